// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, parseDurationMs } from "@bulwark/contracts";
import { Option } from "commander";
import { addClusterFlags, textFlag } from "../cluster/flags.ts";
import { followToEnd } from "../cluster/follow.ts";
import { toFailure } from "../cluster/outcome.ts";
import { warnOfTrust } from "../cluster/present.ts";
import {
  describeSubmission,
  install,
  planWithoutCluster,
  prepareSubmission,
  type Submission,
} from "../cluster/submit.ts";
import type { CommandSpec, Context, Result } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { placeFindings } from "../runs/place-findings.ts";

/** `bulwark submit`: a job file becomes a release of the chart in a cluster. */
export const spec: CommandSpec = {
  examples: [
    "bulwark submit -f job.yaml --follow",
    "bulwark submit sales -f job.yaml -n analytics --wait --timeout 30m",
    "bulwark submit -f job.yaml --dry-run=server",
  ],
  configure(command) {
    command
      .argument("[name]", "name of the release; the job's name by default")
      .requiredOption("-f, --file <file>", "job file")
      .option("--follow", "print what the program prints, until the job ends")
      .option("--wait", "wait until the job ends")
      .option("--timeout <duration>", "longest time to wait, for instance 30m")
      .option("--upgrade", "change a release that is there")
      .addOption(
        new Option("--dry-run <where>", "show what would be made, and make nothing").choices(["client", "server"]),
      );
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    const timeout = readTimeout(flags);
    const dryRun = textFlag(flags, "dryRun") as "client" | "server" | undefined;
    const request = { name: args[0], file: textFlag(flags, "file") ?? "", isUpgrade: flags.upgrade === true };
    if (dryRun === "client") {
      const { showDryRun } = await import("../cluster/dry-run.ts");
      return showDryRun(await planWithoutCluster(context, flags, request));
    }
    const submission = await prepareSubmission(context, flags, { ...request, isDryRun: dryRun === "server" });
    try {
      if (dryRun === undefined) return await submit(context, submission, flags, timeout);
      const { showDryRun } = await import("../cluster/dry-run.ts");
      context.progress.note("The API server takes all of these objects; none was made.");
      return await showDryRun(submission);
    } finally {
      submission.cluster.connection.close();
    }
  },
};

async function submit(
  context: Context,
  submission: Submission,
  flags: Readonly<Record<string, unknown>>,
  timeout: { ms: number; text: string } | undefined,
): Promise<Result> {
  const { cluster, release, work } = submission;
  const step = context.progress.step(`submitting ${describeSubmission(submission)}`);
  await install(context, submission);
  step.done();
  const { tee } = work.job.trust;
  const exposed = warnOfTrust(tee);
  if (exposed !== undefined) context.progress.warn(exposed);
  const isFollowed = flags.follow === true;
  if (!isFollowed && flags.wait !== true) {
    context.progress.note(`See how it goes: bulwark status ${release} -n ${cluster.namespace}`);
    return {
      value: { apiVersion: "bulwark/v1", name: release, namespace: cluster.namespace, state: "submitted", tee },
      text: release,
    };
  }
  const asDocument = isDocument(flags.output);
  const status = await followToEnd(
    // A document on stdout stands alone; then the program's output goes where people look.
    asDocument ? { ...context, stdout: context.stderr } : context,
    cluster,
    release,
    {
      output: isFollowed,
      signal: context.signal,
      ...(timeout === undefined ? {} : { timeoutMs: timeout.ms, timeoutText: timeout.text }),
    },
  ).catch((error) => {
    throw placeFindings(error, work.place);
  });
  const failure = toFailure(status);
  if (failure !== undefined) throw placeFindings(failure, work.place);
  context.progress.note(
    `${release} succeeded; its protection as observed: bulwark status ${release} -n ${cluster.namespace} --security`,
  );
  return asDocument ? { value: status } : {};
}

/** `--timeout 30m`, or the time that a command waits when nothing is said. */
function readTimeout(flags: Readonly<Record<string, unknown>>): { ms: number; text: string } | undefined {
  const text = textFlag(flags, "timeout");
  if (text === undefined) return undefined;
  if (/^[1-9]\d*(ms|s|m|h)$/.test(text)) return { ms: parseDurationMs(text), text };
  throw new BulwarkError("USAGE", `--timeout ${text} is no duration.`, "for instance: --timeout 30m");
}
