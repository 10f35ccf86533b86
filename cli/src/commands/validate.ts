// SPDX-License-Identifier: Apache-2.0
import { buffer } from "node:stream/consumers";
import { BulwarkError, type Finding, parseJobFile } from "@bulwark/contracts";
import type { CommandSpec, Context } from "../command.ts";
import { readJobFile } from "../runs/read-job-file.ts";

/** `bulwark validate`: every finding of every file; nothing is started. */
export const spec: CommandSpec = {
  examples: ["bulwark validate job.yaml", "bulwark validate jobs/*.yaml", "cat job.yaml | bulwark validate -"],
  configure(command) {
    command.argument("<files...>", "job files; - reads standard input");
  },
  async execute(context, { args }) {
    const results = await Promise.all(args.map((file) => check(context, file)));
    const findings = results.flatMap((result) => result.findings);
    for (const { message, mend, file, line } of results.flatMap((result) => result.warnings)) {
      context.progress.warn(`${file}:${line} ${message}: ${mend}`);
    }
    const [first] = results.flatMap((result) => result.error ?? []);
    if (first !== undefined) {
      if (results.length === 1) throw first;
      const message = `${findings.length} finding(s) in ${results.filter((result) => result.error).length} of ${args.length} files.`;
      throw new BulwarkError("JOB_INVALID", message, "correct the places named above", { findings });
    }
    return { value: { valid: true, files: args }, text: args.map((file) => `${file} is valid`).join("\n") };
  },
};

type Checked = { findings: readonly Finding[]; warnings: readonly Finding[]; error?: BulwarkError };

async function check(context: Context, file: string): Promise<Checked> {
  try {
    const content = file === "-" ? await buffer(context.stdin) : await readJobFile(context.cwd, file);
    return { findings: [], warnings: parseJobFile(content, { file }).warnings };
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    const own: Finding = { code: error.code, message: error.message, mend: error.mend, file };
    return { findings: error.findings.length > 0 ? error.findings : [own], warnings: [], error };
  }
}
