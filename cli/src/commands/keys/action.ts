// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Command } from "commander";
import type { CommandSpec, Context, Result } from "../../command.ts";

export type Flags = Parameters<CommandSpec["execute"]>[1]["flags"];

/** One thing that `bulwark keys` does. Loads `@bulwark/pki` only when it runs, so that help stays fast. */
export type KeysAction = {
  description: string;
  configure(command: Command): void;
  execute(context: Context, flags: Flags): Promise<Result>;
};

/** Reads the flags that say how long certificates are valid. Throws USAGE for what is no whole number. */
export function readValidity(flags: Flags): { authorityDays?: number; leafDays?: number } {
  return {
    ...(flags.caDays === undefined ? {} : { authorityDays: readDays("--ca-days", flags.caDays) }),
    ...(flags.days === undefined ? {} : { leafDays: readDays("--days", flags.days) }),
  };
}

/** Adds the flags that `readValidity` reads. */
export function addValidityFlags(command: Command): Command {
  return command
    .option("--days <number>", "days for which certificates are valid (new keys: 90)")
    .option("--ca-days <number>", "days for which the authority is valid (new keys: 365)");
}

/** Names given to a repeatable flag; empty when it was not given. */
export function readNames(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}

function readDays(flag: string, value: unknown): number {
  if (typeof value === "string" && /^\d{1,6}$/.test(value)) return Number(value);
  throw new BulwarkError(
    "USAGE",
    `${flag} needs a whole number of days, not "${value}"`,
    `give for instance ${flag} 90`,
  );
}
