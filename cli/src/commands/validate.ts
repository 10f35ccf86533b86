// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from "node:path";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { parseJobFile } from "@bulwark/contracts/job";
import { meansCluster } from "../cluster/flags.ts";
import type { CommandSpec, Context } from "../command.ts";
import { readStdinAtMost } from "../runs/read-at-most.ts";
import { LARGEST_BYTES, readJobFile } from "../runs/read-job-file.ts";

type Valid = { file: string; name: string; warnings: readonly Finding[] };

/** `bulwark validate`: all that is wrong with job files, at once. Starts nothing. */
export const spec: CommandSpec = {
  examples: [
    "bulwark validate job.yaml",
    "bulwark validate jobs/*.yaml",
    "bulwark validate --cluster job.yaml",
    "helm get values etl | bulwark validate --cluster -",
  ],
  configure(command) {
    command
      .argument("<file...>", "job files; - is standard input")
      .option("--cluster", "as jobs for a cluster, the way submit checks them; no server is asked");
  },
  async execute(context, { args, flags }) {
    const check = meansCluster(context, flags) ? checkForCluster : checkForMachine;
    const valid: Valid[] = [];
    const errors: BulwarkError[] = [];
    for (const file of args) {
      try {
        valid.push(await validate(context, file, check));
      } catch (error) {
        if (!(error instanceof BulwarkError)) throw error;
        errors.push(error);
      }
    }
    for (const { file, line, column, message, mend } of valid.flatMap(({ warnings }) => warnings)) {
      context.progress.warn(`${file}:${line}:${column}  ${message}  -> ${mend}`);
    }
    if (errors.length > 0) throw join(errors, args.length);
    return {
      value: { apiVersion: "bulwark/v1", items: valid },
      table: {
        rows: valid,
        columns: [
          { heading: "file", cell: (row: Valid) => row.file },
          { heading: "state", cell: () => "valid" },
          { heading: "name", cell: (row: Valid) => row.name },
        ],
        name: (row: Valid) => row.file,
      },
    };
  },
};

/** Checks what was read; relative paths count from `folder`. */
type Check = (content: Buffer, place: { file: string; folder: string }) => Promise<Omit<Valid, "file">>;

const checkForMachine: Check = async (content, { file }) => {
  const { job, warnings } = parseJobFile(content, { file });
  return { name: job.name, warnings };
};

const checkForCluster: Check = async (content, place) => {
  const [{ checkClusterJob }, { parseReleaseName }] = await Promise.all([
    import("../cluster/job-input.ts"),
    import("@bulwark/kubernetes"),
  ]);
  const { work, warnings } = await checkClusterJob(content, place);
  return { name: parseReleaseName(work.job.name), warnings };
};

async function validate(context: Context, name: string, check: Check): Promise<Valid> {
  const isStdin = name === "-";
  const file = isStdin ? "standard input" : name;
  const content = await (isStdin ? readStdinAtMost(context, LARGEST_BYTES) : readJobFile(context.cwd, name));
  const folder = isStdin ? context.cwd : dirname(resolve(context.cwd, name));
  return { file, ...(await check(content, { file, folder })) };
}

/** One error for all files. That of a single file stays as it is. */
function join(errors: readonly BulwarkError[], files: number): BulwarkError {
  const [first] = errors;
  if (files === 1 && first !== undefined) return first;
  const findings = errors.flatMap(({ code, message, mend, findings }): readonly Finding[] =>
    findings.length > 0 ? findings : [{ code, message, mend }],
  );
  const message = `${errors.length} of ${files} job files cannot be used; ${findings.length} finding(s).`;
  return new BulwarkError("JOB_INVALID", message, "correct what is listed above", { cause: errors, findings });
}
