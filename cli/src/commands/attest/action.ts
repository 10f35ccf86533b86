// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { CommandSpec, Context, Result } from "../../command.ts";

export type Call = Pick<Parameters<CommandSpec["execute"]>[1], "args" | "flags">;

/** One thing that a command with verbs does. What it needs is loaded only when it runs, so that help stays fast. */
export type Action = {
  description: string;
  configure(command: Command): void;
  execute(context: Context, call: Call): Promise<Result>;
};

/** A flag that takes text, when it was given. */
export const readText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
