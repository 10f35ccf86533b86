// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { parseJobFile } from "@bulwark/contracts/job";
import type { CommandSpec, Context } from "../command.ts";
import { readStdinAtMost } from "../runs/read-at-most.ts";
import { LARGEST_BYTES, readJobFile } from "../runs/read-job-file.ts";

type Valid = { file: string; name: string; warnings: readonly Finding[] };

/** `bulwark validate`: all that is wrong with job files, at once. Starts nothing. */
export const spec: CommandSpec = {
  examples: ["bulwark validate job.yaml", "bulwark validate jobs/*.yaml", "helm get values etl | bulwark validate -"],
  configure(command) {
    command.argument("<file...>", "job files; - is standard input");
  },
  async execute(context, { args }) {
    const valid: Valid[] = [];
    const errors: BulwarkError[] = [];
    for (const file of args) {
      try {
        valid.push(await validate(context, file));
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

async function validate(context: Context, name: string): Promise<Valid> {
  const file = name === "-" ? "standard input" : name;
  const { job, warnings } = parseJobFile(
    name === "-" ? await readStdinAtMost(context, LARGEST_BYTES) : await readJobFile(context.cwd, name),
    { file },
  );
  return { file, name: job.name, warnings };
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
