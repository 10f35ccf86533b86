// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Settings } from "./config/settings.ts";
import type { Paths } from "./paths.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type OutputFormat = "table" | "wide" | "name" | "json" | "yaml";

/** What a command may use of the world outside. Nothing else reads `process`. */
export type Context = {
  env: Environment;
  cwd: string;
  paths: Paths;
  /** The tool's settings, flags of this call included. */
  settings: Settings;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Data only. */
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  /** Progress, hints, errors. */
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Aborted at the first Ctrl-C; a second one ends the process at once. */
  signal: AbortSignal;
  now: () => Date;
  /** Every command, for those that tell about others. */
  commands: CommandTable;
  progress: Progress;
};

/** Progress on stderr: a live line on a terminal, one plain line per finished step otherwise. Silent under --quiet. */
export type Progress = {
  /** Starts a step. */
  step(text: string): Step;
  /** One line for people. */
  note(text: string): void;
  warn(text: string): void;
  /** Shown under --debug only. */
  debug(text: string): void;
  /** Lets something else write without a live line in its way. */
  aside(write: () => void): void;
  /** Takes the live line away for good. */
  close(): void;
};

/** A step under way: `update` replaces what is shown behind its text, `done` closes it with the time it took. */
export type Step = { update(detail: string): void; done(detail?: string): void };

/** One column of a table: heading, cell text, and whether `-o wide` alone shows it. */
export type Column<Row> = { heading: string; cell: (row: Row) => string; wide?: boolean };

/** What a command returns. The frame prints it in the format asked for; `json` and `yaml` print `value` as it is. */
export type Result = {
  value?: unknown;
  /** For `-o table|wide|name`: rows and columns, or a ready text. */
  table?: { rows: readonly unknown[]; columns: readonly Column<never>[]; name: (row: never) => string; empty?: string };
  text?: string;
  exitCode?: number;
};

/** What is known of a command before it is loaded. */
export type CommandEntry = {
  group: "jobs" | "serving" | "keys and data" | "trust" | "the tool";
  summary: string;
  /** What a shell completes its first argument with; files where nothing is said. */
  completes?: "runs" | "commands" | "nothing";
  /** Works with wrong settings too: what explains or mends them must. */
  lenient?: true;
  load: () => Promise<{ spec: CommandSpec }>;
};

export type CommandTable = Readonly<Record<string, CommandEntry>>;

/** One command: what it is called, what it takes, what it does. One file each under `commands/`. */
export type CommandSpec = {
  /** Adds arguments, options and subcommands. */
  configure(command: Command): void;
  examples: readonly string[];
  /** Positional arguments as typed, flags by camelCase name, and the names of subcommands (`["init"]` for `keys init`). */
  execute(
    context: Context,
    call: { args: readonly string[]; flags: Readonly<Record<string, unknown>>; path: readonly string[] },
  ): Promise<Result>;
};
