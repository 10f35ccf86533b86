// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { CommandTable } from "../command.ts";
import { createProgram, type LoadedCommand, loadCommand } from "../program.ts";

/** A command with everything that can follow it. */
export type TreeNode = {
  /** `["keys", "init"]`; empty for the tool itself. */
  path: readonly string[];
  summary: string;
  /** Names of subcommands, or of commands. */
  names: readonly string[];
  /** Words that the first argument may be. */
  words: readonly string[];
  completes: "runs" | "files" | "nothing";
  flags: readonly TreeFlag[];
};

export type TreeFlag = {
  long: string;
  short?: string;
  description: string;
  takesValue: boolean;
  choices: readonly string[];
};

/** The whole tree, parents before their children. Loads every command. */
export async function readTree(commands: CommandTable): Promise<TreeNode[]> {
  const names = Object.keys(commands);
  const loaded = await Promise.all(names.map((name) => loadCommand(commands, name)));
  const root: TreeNode = { path: [], summary: "", names, words: [], completes: "nothing", flags: [HELP] };
  return [root, ...loaded.flatMap((each) => readNodes(each, createProgram(each), { path: [each.name], names }))];
}

function readNodes(
  loaded: LoadedCommand,
  command: Command,
  { path, names }: { path: readonly string[]; names: readonly string[] },
): TreeNode[] {
  const [argument] = command.registeredArguments;
  const completes = argument === undefined ? "nothing" : (loaded.entry.completes ?? "files");
  const words = argument?.argChoices ?? (completes === "commands" ? names : []);
  const node: TreeNode = {
    path,
    summary: command.description(),
    names: command.commands.map((sub) => sub.name()),
    words,
    completes: words.length > 0 || completes === "commands" ? "nothing" : completes,
    flags: [...listOwners(command).flatMap(readFlags), HELP],
  };
  return [node, ...command.commands.flatMap((sub) => readNodes(loaded, sub, { path: [...path, sub.name()], names }))];
}

/** Flags of every command hang on the command, and are known below it too. */
const listOwners = (command: Command): Command[] =>
  command.parent === null ? [command] : [command, ...listOwners(command.parent)];

const HELP: TreeFlag = {
  long: "--help",
  short: "-h",
  description: "explain the command",
  takesValue: false,
  choices: [],
};

function readFlags(command: Command): TreeFlag[] {
  return command.options.map((option) => ({
    long: option.long ?? option.flags,
    ...(option.short === undefined ? {} : { short: option.short }),
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  }));
}
