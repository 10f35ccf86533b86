// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { isEnded, type JobStatus } from "@bulwark/kubernetes";
import type { Context, Step } from "../command.ts";
import { followOutput } from "./job-output.ts";
import type { Cluster } from "./open.ts";
import { toReasonError, toTimeOut } from "./outcome.ts";
import { createPatience } from "./patience.ts";
import { watchRelease } from "./watch-release.ts";

/** After the end, the last lines of the log may take this long. */
const LAST_LINES_MS = 5_000;

export type FollowOptions = { output: boolean; timeoutMs?: number; timeoutText?: string; signal: AbortSignal };

/**
 * Follows a release until its job ends; progress goes to stderr, with `output` what the program prints to stdout.
 *
 * @returns the status at the end
 * @throws BulwarkError when a pod cannot start, TIMED_OUT or POD_UNSCHEDULABLE when the time is over, INTERRUPTED
 */
export async function followToEnd(
  context: Context,
  cluster: Cluster,
  release: string,
  options: FollowOptions,
): Promise<JobStatus> {
  const timer = new AbortController();
  const timeout = options.timeoutMs === undefined ? undefined : setTimeout(() => timer.abort(), options.timeoutMs);
  const patience = createPatience();
  const stop = AbortSignal.any([options.signal, timer.signal, patience.signal]);
  const teller = createTeller(context);
  const output = options.output ? followOutput(context, cluster, stop) : undefined;
  let last: JobStatus | undefined;
  try {
    for await (const status of watchRelease(context, cluster, release, stop)) {
      last = status;
      teller.tell(status);
      output?.look(status);
      if (isEnded(status)) {
        await output?.end(LAST_LINES_MS);
        return status;
      }
      patience.look(status);
    }
  } finally {
    clearTimeout(timeout);
    patience.end();
    teller.end();
    output?.stop();
  }
  const final = patience.final();
  if (final !== undefined && last !== undefined) throw toReasonError(final, last);
  if (timer.signal.aborted) throw toTimeOut(last, release, options.timeoutText ?? `${options.timeoutMs} ms`);
  context.progress.note(
    `${release} goes on in the cluster. Follow it: bulwark status ${release} -n ${cluster.namespace} --watch; end it: bulwark delete ${release} -n ${cluster.namespace}`,
  );
  throw options.signal.reason instanceof BulwarkError
    ? options.signal.reason
    : new BulwarkError("INTERRUPTED", "Following was interrupted.", `bulwark status ${release}`);
}

/** Says in words what becomes of a job: a step per state, and each reason once. */
function createTeller({ progress }: Context) {
  let step: { state: string; shown: Step } | undefined;
  const told = new Set<string>();
  return {
    tell(status: JobStatus): void {
      if (step?.state !== status.state) {
        step?.shown.done();
        step = isEnded(status) ? undefined : { state: status.state, shown: progress.step(STATE_WORDS[status.state]) };
      }
      step?.shown.update(describe(status));
      const { reason } = status;
      if (reason === undefined || told.has(reason.words) || isEnded(status)) return;
      told.add(reason.words);
      progress.warn(`${reason.words} -> ${reason.mend.replaceAll("NAME", status.name)}`);
    },
    end: (): void => step?.shown.done("ended"),
  };
}

const STATE_WORDS: Readonly<Record<JobStatus["state"], string>> = {
  scheduled: "waiting for the schedule",
  held: "held back",
  pending: "waiting for a node",
  starting: "starting driver and executors",
  running: "running",
  ending: "ending",
  succeeded: "succeeded",
  failed: "failed",
};

function describe({ progress, counts, driver }: JobStatus): string {
  if (progress !== undefined && progress.stages.total > 0) {
    const { stages, tasks } = progress;
    return `stages ${stages.done} of ${stages.total}, tasks ${tasks.done} of ${tasks.total}, ${counts.running} executors`;
  }
  return `driver ${driver?.state ?? "not there yet"}, ${counts.running} of ${counts.wanted} executors`;
}
