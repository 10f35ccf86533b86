// SPDX-License-Identifier: Apache-2.0
import type { Argument, Command } from "commander";
import { alignCells } from "../output/print.ts";
import { GLOBAL_FLAGS } from "./look.ts";

export type Row = readonly [string, string];

/** Help of one command or subcommand: examples first. */
export function renderCommandHelp(command: Command, examples: readonly string[]): string {
  const sections: readonly [string, readonly Row[]][] = [
    ["Examples", examples.map((line) => [line, ""])],
    ["Usage", [[describeUsage(command), ""]]],
    ["Arguments", listArguments(command)],
    ["Subcommands", command.commands.map((sub) => [[sub.name(), ...showArguments(sub)].join(" "), sub.description()])],
    ["Flags", listOwnFlags(command)],
    ["Flags of every command", listGlobalFlags()],
  ];
  const shown = sections.filter(([, rows]) => rows.length > 0).map(([title, rows]) => renderSection(title, rows));
  return [`${command.description()}\n`, ...shown].join("\n");
}

/** `bulwark keys init [flags]`. */
export function describeUsage(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  const tail = command.commands.length > 0 ? ["SUBCOMMAND"] : showArguments(command);
  return ["bulwark", ...names, ...tail, "[flags]"].join(" ");
}

/** Positional arguments as help shows them. */
export function listArguments(command: Command): Row[] {
  return command.registeredArguments.map((argument) => [
    showArgument(argument),
    withChoices(argument.description, argument.argChoices),
  ]);
}

/** Flags that belong to the command alone. */
export function listOwnFlags(command: Command): Row[] {
  const everywhere = new Set(GLOBAL_FLAGS.map(({ flags }) => flags));
  return command.options
    .filter((option) => !everywhere.has(option.flags) && !option.hidden)
    .map((option) => [
      option.flags,
      withChoices(option.description, option.argChoices) + (option.mandatory ? " (must be given)" : ""),
    ]);
}

/** Flags that every command takes. */
export function listGlobalFlags(): Row[] {
  return [
    ...GLOBAL_FLAGS.map(({ flags, description, choices }): Row => [flags, withChoices(description, choices)]),
    ["-h, --help", "explain the command"],
  ];
}

const showArguments = (command: Command): string[] => command.registeredArguments.map(showArgument);

function showArgument(argument: Argument): string {
  const name = `${argument.name().toUpperCase()}${argument.variadic ? "..." : ""}`;
  return argument.required ? name : `[${name}]`;
}

const withChoices = (text: string, choices: readonly string[] | undefined): string =>
  choices === undefined ? text : `${text}: ${choices.join(", ")}`;

function renderSection(title: string, rows: readonly Row[]): string {
  return `${title}:\n${alignCells(rows.map(([left, right]) => [`  ${left}`, right]))}`;
}
