// SPDX-License-Identifier: Apache-2.0
import type { OutputFormat } from "../command.ts";

/** Flags that every command takes, for help, parsing and completion alike. */
export const GLOBAL_FLAGS: readonly { flags: string; description: string; choices?: readonly OutputFormat[] }[] = [
  {
    flags: "-o, --output <format>",
    description: "how results are printed",
    choices: ["table", "wide", "name", "json", "yaml"],
  },
  { flags: "--json", description: "short for -o json" },
  { flags: "-q, --quiet", description: "no progress; warnings and errors only" },
  { flags: "--debug", description: "more progress, and where an error came from" },
  { flags: "--no-color", description: "no colours" },
  { flags: "--no-input", description: "never ask" },
];

/** How a command line wants to be talked to, found without parsing it, so that usage errors look as asked for too. */
export type Look = { output?: OutputFormat; quiet: boolean; debug: boolean; color: boolean };

const FORMATS: readonly string[] = GLOBAL_FLAGS[0]?.choices ?? [];

/** Reads a command line up to `--` as far as it says how results and errors shall look. */
export function readLook(argv: readonly string[]): Look {
  const flags = beforeDashes(argv);
  const format = flags
    .map((flag, index) => readFormat(flag, flags[index + 1]))
    .findLast((found) => found !== undefined);
  return {
    ...(format === undefined ? {} : { output: format }),
    quiet: flags.includes("--quiet") || flags.includes("-q"),
    debug: flags.includes("--debug"),
    color: !flags.includes("--no-color"),
  };
}

/**
 * Splits a command line into the name of the command and the rest. Flags may stand before the name.
 *
 * @returns no name when there are only flags
 */
export function splitCommand(argv: readonly string[]): { name?: string; rest: readonly string[] } {
  for (let index = 0; index < beforeDashes(argv).length; index++) {
    const word = argv[index] ?? "";
    if (word === "-o" || word === "--output") index++;
    else if (!word.startsWith("-")) return { name: word, rest: argv.toSpliced(index, 1) };
  }
  return { rest: argv };
}

function readFormat(flag: string, next: string | undefined): OutputFormat | undefined {
  if (flag === "--json") return "json";
  const value = flag === "-o" || flag === "--output" ? next : /^(?:-o|--output=)(.+)$/.exec(flag)?.[1];
  return value !== undefined && FORMATS.includes(value) ? (value as OutputFormat) : undefined;
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end === -1 ? argv : argv.slice(0, end);
}
