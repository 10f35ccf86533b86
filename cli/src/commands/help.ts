// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, EXIT, EXIT_MEANING, type ExitName } from "@bulwark/contracts/errors";
import { suggestName } from "@bulwark/contracts/suggest-name";
import type { CommandSpec, Result } from "../command.ts";
import { renderOverview } from "../output/overview.ts";
import { createPaint } from "../output/terminal.ts";
import { loadCommand, parseCall } from "../program.ts";

type Exit = { code: number; name: ExitName; meaning: string };

/** What can be explained that is no command. */
const TOPICS: Readonly<Record<string, () => Result>> = { "exit-codes": explainExitCodes };

/** `bulwark help`: the whole tool, one command, or a topic. */
export const spec: CommandSpec = {
  examples: ["bulwark help", "bulwark help run", "bulwark help keys init", "bulwark help exit-codes"],
  configure(command) {
    command.argument("[topic...]", "a command with its subcommand, or exit-codes");
  },
  async execute({ commands, settings, stdout, env }, { args: [name, ...rest] }) {
    if (name === undefined) {
      return { text: renderOverview(commands, createPaint(stdout, env, settings.color !== "never")) };
    }
    const explain = Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined;
    if (explain !== undefined) return explain();
    if (!Object.hasOwn(commands, name)) throw refuse(name, Object.keys(commands));
    const parsed = parseCall(await loadCommand(commands, name), [...rest, "--help"]);
    return "help" in parsed ? { text: parsed.help } : {};
  },
};

function explainExitCodes(): Result {
  const rows = (Object.keys(EXIT) as ExitName[]).map((name) => ({
    code: EXIT[name],
    name,
    meaning: EXIT_MEANING[name],
  }));
  return {
    value: { apiVersion: "bulwark/v1", items: rows },
    table: {
      rows,
      columns: [
        { heading: "code", cell: (row: Exit) => String(row.code) },
        { heading: "meaning", cell: (row: Exit) => row.meaning },
      ],
      name: (row: Exit) => row.name,
    },
  };
}

function refuse(name: string, commands: readonly string[]): BulwarkError {
  const nearest = suggestName(name, [...commands, ...Object.keys(TOPICS)]);
  const mend = nearest === undefined ? "bulwark help" : `did you mean: bulwark help ${nearest}`;
  return new BulwarkError("USAGE", `There is no command or topic ${name}.`, mend);
}
