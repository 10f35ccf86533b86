// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { DEFAULT_JOB } from "@bulwark/queue";
import type { Command } from "commander";
import { RECORD_KEY } from "./record-key.ts";
import type { Stack } from "./stack.ts";

type Queue = NonNullable<Stack["queue"]>;

/** The queue that a relay serves; with `redis`, as a user who may look at what engines say. */
export type RelayQueue = Pick<Queue, "job" | "relay" | "keyringFile" | "recordKey" | "limits"> &
  Partial<Pick<Queue, "redis">>;

type Flags = Readonly<Record<string, unknown>>;

const NEEDED = ["--password-file", "--keyring-file"];
const OTHERS = [
  ...["--user", "--ca-file", "--certificate-file", "--private-key-file"],
  ...["--server-name", "--record-key", "--job"],
];

/** Adds the flags that name a queue which `bulwark serve` did not start on this machine. */
export function addQueueFlags(command: Command): void {
  command
    .option("--redis <url>", "the queue of another machine or of a release: rediss://HOST:PORT")
    .option("--user <name>", "with --redis: our user there (relay when not given)")
    .option("--password-file <file>", "with --redis: its password, mode 0600")
    .option("--ca-file <file>", "with --redis: authority of Redis's certificate, PEM")
    .option("--certificate-file <file>", "with --redis: our certificate, PEM, where Redis asks for one")
    .option("--private-key-file <file>", "with --redis: its private key, PEM, mode 0600")
    .option("--server-name <name>", "with --redis: name in Redis's certificate, where it is not the one in the address")
    .option("--keyring-file <file>", "with --redis: master keys that seal records, mode 0600")
    .option("--record-key <name>", `with --redis: the one of them that seals (${RECORD_KEY} when not given)`)
    .option("--job <name>", `with --redis: stream of the records (${DEFAULT_JOB} when not given)`);
}

/** The queue that flags name; undefined when they name none. Reads no file. Throws USAGE. */
export function readQueueFlags(cwd: string, flags: Flags): RelayQueue | undefined {
  const read = (flag: string): string | undefined => {
    const value = flags[flag.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? undefined : String(value);
  };
  const isGiven = (flag: string): boolean => read(flag) !== undefined;
  const url = read("--redis");
  if (url === undefined) {
    const lone = [...NEEDED, ...OTHERS].filter(isGiven);
    if (lone.length === 0) return undefined;
    const mend = "add --redis rediss://HOST:PORT, or leave them out for the bulwark serve of this machine";
    throw new BulwarkError("USAGE", `${lone.join(", ")}: these belong to --redis.`, mend);
  }
  const missing = NEEDED.filter((flag) => !isGiven(flag));
  if (missing.length > 0) {
    const mend = `add ${missing.map((flag) => `${flag} FILE`).join(" ")}`;
    throw new BulwarkError("USAGE", `--redis needs ${missing.join(" and ")}.`, mend);
  }
  const file = (flag: string, key: string): Readonly<Record<string, string>> => {
    const path = read(flag);
    return path === undefined ? {} : { [key]: resolve(cwd, path) };
  };
  const serverName = read("--server-name");
  return {
    job: read("--job") ?? DEFAULT_JOB,
    keyringFile: resolve(cwd, read("--keyring-file") ?? ""),
    recordKey: read("--record-key") ?? RECORD_KEY,
    limits: {},
    relay: {
      ...{ url, user: read("--user") ?? "relay" },
      ...file("--password-file", "passwordFile"),
      ...file("--ca-file", "caFile"),
      ...file("--certificate-file", "certificateFile"),
      ...file("--private-key-file", "privateKeyFile"),
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}
