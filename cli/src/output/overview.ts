// SPDX-License-Identifier: Apache-2.0
import type { CommandTable } from "../command.ts";
import type { Paint } from "./terminal.ts";

/** The first page: examples, then the commands by group. */
export function renderOverview(commands: CommandTable, paint: Paint): string {
  const entries = Object.entries(commands);
  const groups = [...new Set(entries.map(([, entry]) => entry.group))].map((group) => {
    const rows = entries.filter(([, entry]) => entry.group === group);
    return `\n${paint("bold", group)}\n${rows.map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}\n`).join("")}`;
  });
  return `Runs Spark and machine-learning jobs on machines whose owner is not trusted.

${paint("bold", "examples")}
  bulwark run app.py -- ARGS                                    run a program, every channel encrypted
  bulwark run job.yaml                                          run a job from its file
  bulwark data encrypt table.csv table.parquet --key patients   encrypt a table column by column
  bulwark status --security                                     see what protected the newest run
${groups.join("")}
bulwark COMMAND --help tells more of a command; bulwark help exit-codes lists what it exits with.
`;
}
