// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { suggestName } from "@bulwark/contracts/suggest-name";
import { Command, CommanderError, Option } from "commander";
import type { CommandEntry, CommandSpec, CommandTable } from "./command.ts";
import { renderCommandHelp } from "./frame/help-text.ts";
import { GLOBAL_FLAGS } from "./frame/look.ts";

/** What was typed, told apart: subcommands, positional arguments, flags. */
export type Call = Parameters<CommandSpec["execute"]>[1];

/** A command with what the table says of it. */
export type LoadedCommand = { name: string; entry: CommandEntry; spec: CommandSpec };

/**
 * Loads one command of the table.
 *
 * @throws BulwarkError USAGE, with the nearest name, when there is none of that name
 */
export async function loadCommand(commands: CommandTable, name: string): Promise<LoadedCommand> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    const nearest = suggestName(name, Object.keys(commands));
    const mend = nearest === undefined ? "bulwark --help" : `did you mean: bulwark ${nearest}`;
    throw new BulwarkError("USAGE", `There is no command ${name}.`, mend);
  }
  return { name, entry, spec: (await entry.load()).spec };
}

/** The commander command of one of ours with all its flags and subcommands, for parsing, help and completion. */
export function createProgram({ name, entry, spec }: LoadedCommand, onCall: (call: Call) => void = () => {}): Command {
  const command = new Command(name)
    .description(entry.summary)
    .exitOverride()
    .helpOption("-h, --help", "explain the command")
    .configureHelp({ formatHelp: (shown) => renderCommandHelp(shown, pickExamples(shown, spec)) })
    .configureOutput({ writeErr: () => {} });
  for (const { flags, description, choices } of GLOBAL_FLAGS) {
    const option = new Option(flags, description);
    command.addOption(choices === undefined ? option : option.choices(choices));
  }
  // Subcommands inherit what was configured so far.
  spec.configure(command);
  for (const leaf of listLeaves(command)) {
    leaf.action(() => onCall({ path: listNames(leaf).slice(1), args: leaf.args, flags: leaf.optsWithGlobals() }));
  }
  return command;
}

/**
 * Parses what was typed after the name of the command. Help comes back as text.
 *
 * @throws BulwarkError USAGE, with the nearest flag or subcommand
 */
export function parseCall(loaded: LoadedCommand, typed: readonly string[]): Call | { help: string } {
  let call: Call | undefined;
  const help: string[] = [];
  const program = createProgram(loaded, (taken) => {
    call = taken;
  });
  for (const part of listCommands(program)) part.configureOutput({ writeOut: (text) => help.push(text) });
  try {
    program.parse([...typed], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { help: help.join("") };
    throw toUsageError(error, program);
  }
  if (call === undefined) throw missingSubcommand(program);
  return call;
}

/** A command, or its subcommands where it has some. */
export function listLeaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(listLeaves);
}

/** A command and all below it. */
const listCommands = (command: Command): Command[] => [command, ...command.commands.flatMap(listCommands)];

/** `["keys", "init"]`. */
function listNames(command: Command): string[] {
  return [...(command.parent === null ? [] : listNames(command.parent)), command.name()];
}

/** The examples that show this command or subcommand; all where it is the command itself. */
export function pickExamples(command: Command, spec: CommandSpec): readonly string[] {
  if (command.parent === null) return spec.examples;
  const start = `bulwark ${listNames(command).join(" ")}`;
  return spec.examples.filter((line) => line.endsWith(start) || line.includes(`${start} `));
}

/** Commander's words: `error: unknown option '--foo'`, then `(Did you mean --force?)` on a line of its own. */
function toUsageError(error: CommanderError, program: Command): BulwarkError {
  // It shows help when a group is called without a subcommand.
  if (error.code === "commander.help") return missingSubcommand(program);
  const [first = "", hint] = error.message.replace(/^error: /, "").split("\n");
  const message = `${first.slice(0, 1).toUpperCase()}${first.slice(1).replace(/\.$/, "")}.`;
  const mend = /\(Did you mean (.*)\)/.exec(hint ?? "")?.[1];
  return new BulwarkError("USAGE", message, mend === undefined ? helpOf(program) : `did you mean ${mend}`);
}

function missingSubcommand(program: Command): BulwarkError {
  const names = program.commands.map((sub) => sub.name()).join("|");
  return new BulwarkError("USAGE", `bulwark ${program.name()} needs a subcommand: ${names}.`, helpOf(program));
}

const helpOf = (program: Command): string => `bulwark ${program.name()} --help`;
