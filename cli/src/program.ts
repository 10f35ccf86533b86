// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, suggestName } from "@bulwark/contracts";
import { Command, CommanderError, type Help } from "commander";
import type { CommandSpec, CommandTable } from "./command.ts";

/** What was typed, told apart: subcommands, positional arguments, flags. */
export type Call = { path: string[]; args: string[]; flags: Record<string, unknown> };

/** A command with what the table says of it. */
export type LoadedCommand = { name: string; summary: string; spec: CommandSpec };

/**
 * Loads one command of the table.
 *
 * @throws BulwarkError USAGE when there is none of that name
 */
export async function loadCommand(commands: CommandTable, name: string): Promise<LoadedCommand> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    const nearest = suggestName(name, Object.keys(commands));
    const mend = nearest === undefined ? "see the commands: bulwark --help" : `did you mean: bulwark ${nearest}`;
    throw new BulwarkError("USAGE", `bulwark has no command ${name}.`, mend);
  }
  return { name, summary: entry.summary, spec: (await entry.load()).spec };
}

/** The commander command of one of ours, with the flags that every command has. */
export function createProgram({ name, summary, spec }: LoadedCommand, onCall: (call: Call) => void): Command {
  const command = new Command(`bulwark ${name}`).description(summary);
  spec.configure(command);
  const examples = spec.examples.map((example) => `  ${example}\n`).join("");
  const leaves = command.commands.length === 0 ? [command] : command.commands;
  for (const part of new Set([command, ...leaves])) {
    addGlobalOptions(part);
    part.exitOverride().showSuggestionAfterError().helpCommand(false);
    part.configureOutput({ outputError: () => undefined });
    part.configureHelp({
      formatHelp: (target, helper) => formatHelp(target, helper, part === command ? examples : ""),
    });
  }
  for (const leaf of leaves) {
    const path = leaf === command ? [] : [leaf.name()];
    leaf.action((...received: unknown[]) => {
      const args = received
        .slice(0, -2)
        .flat()
        .filter((arg): arg is string => typeof arg === "string");
      onCall({ path, args, flags: { ...command.opts(), ...leaf.opts() } });
    });
  }
  return command;
}

function addGlobalOptions(command: Command): void {
  command
    .option("-o, --output <format>", "table, wide, name, json or yaml")
    .option("--json", "the same as -o json")
    .option("--quiet", "no progress")
    .option("--debug", "more to read, with stack traces")
    .option("--no-color", "no colours");
}

/** Examples first, then what the command takes. */
function formatHelp(command: Command, helper: Help, examples: string): string {
  const usage = `${helper.commandDescription(command)}\n\nUsage: ${helper.commandUsage(command)}\n`;
  const list = (heading: string, rows: readonly [string, string][]): string =>
    rows.length === 0
      ? ""
      : `\n${heading}:\n${rows.map(([term, text]) => `  ${term.padEnd(30)} ${text}`.trimEnd()).join("\n")}\n`;
  return [
    examples === "" ? "" : `Examples:\n${examples}\n`,
    usage,
    list(
      "Commands",
      helper
        .visibleCommands(command)
        .map((sub) => [helper.subcommandTerm(sub).replace(" [options]", ""), sub.description()]),
    ),
    list(
      "Arguments",
      helper.visibleArguments(command).map((argument) => [helper.argumentTerm(argument), argument.description]),
    ),
    list(
      "Options",
      helper.visibleOptions(command).map((option) => [helper.optionTerm(option), option.description]),
    ),
  ].join("");
}

/** Parses what was typed. Help comes back as text; anything that does not fit is a USAGE error. */
export function parseCall(loaded: LoadedCommand, typed: readonly string[]): Call | { help: string } {
  const { name } = loaded;
  let call: Call | undefined;
  let help = "";
  const program = createProgram(loaded, (received) => {
    call = received;
  });
  for (const part of [program, ...program.commands]) {
    part.configureOutput({
      outputError: () => undefined,
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => undefined,
    });
  }
  try {
    program.parse([...typed], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { help };
    const message = error.message.replace(/^error: /, "");
    const text = error.code === "commander.help" ? `bulwark ${name} needs a subcommand.` : message;
    throw new BulwarkError("USAGE", text, `bulwark ${name} --help`);
  }
  return call ?? { help: program.helpInformation() };
}
