// SPDX-License-Identifier: Apache-2.0
import { EXIT, EXIT_MEANING, type ExitName } from "@bulwark/contracts/errors";
import { code, GENERATED_NOTE, renderTable } from "@bulwark/contracts/reference";
import type { Command } from "commander";
import type { CommandTable } from "../command.ts";
import { SETTING_NAMES, SETTINGS, type SettingSpec, toVariable } from "../config/settings.ts";
import { createProgram, type LoadedCommand, loadCommand, pickExamples } from "../program.ts";
import { describeUsage, listArguments, listGlobalFlags, listOwnFlags, type Row } from "./help-text.ts";

/** docs/reference/cli.md: every command as `--help` explains it, the settings, and the exit codes. */
export async function renderCli(commands: CommandTable): Promise<string> {
  const loaded = await Promise.all(Object.keys(commands).map((name) => loadCommand(commands, name)));
  const exits = (Object.keys(EXIT) as ExitName[]).map((name) => [String(EXIT[name]), EXIT_MEANING[name]]);
  return `${GENERATED_NOTE}

# Commands

Data goes to stdout, everything else to stderr. With \`-o json\` an error is one document on stdout too. What follows \`--\` is passed
through to the job.

${loaded.map((each) => renderCommand(each, createProgram(each))).join("\n")}
## Flags of every command

${renderRows(["Flag", "What it does"], listGlobalFlags())}

## Settings

The first that says something wins: a flag, the variable, \`bulwark.yaml\` in this folder or above it (up to the root of the git
repository), your own file (\`bulwark config path\`), the default.

${renderTable(["Setting", "Variable", "What it is", "In a project file"], SETTING_NAMES.map(describeSetting))}

## Exit codes

${renderTable(["Exit code", "Meaning"], exits)}
`;
}

function renderCommand(loaded: LoadedCommand, command: Command, depth = 2): string {
  const examples = pickExamples(command, loaded.spec);
  const tables: readonly [string, readonly Row[]][] = [
    ["Argument", listArguments(command)],
    ["Flag", listOwnFlags(command)],
  ];
  const blocks = [
    `${"#".repeat(depth)} ${describeUsage(command).replace(/ \[flags\]$/, "")}`,
    `${command.description()}.`,
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join("\n")}\n\`\`\``]),
    ...tables.filter(([, rows]) => rows.length > 0).map(([title, rows]) => renderRows([title, "What it is"], rows)),
  ];
  const subcommands = command.commands.map((sub) => renderCommand(loaded, sub, depth + 1));
  return [`${blocks.join("\n\n")}\n`, ...subcommands].join("\n");
}

const renderRows = (headings: readonly string[], rows: readonly Row[]): string =>
  renderTable(
    headings,
    rows.map(([left, right]) => [code(left), right]),
  );

function describeSetting(name: (typeof SETTING_NAMES)[number]): string[] {
  const spec: SettingSpec = SETTINGS[name];
  const choices = spec.choices === undefined ? "" : `: ${spec.choices.join(", ")}`;
  const allowed = spec.notFromProject === undefined ? "yes" : `no: ${spec.notFromProject}`;
  return [code(name), code(toVariable(name)), `${spec.description}${choices}`, allowed];
}
