// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { IntakeLimits, RedisConnectionSettings } from "@bulwark/queue";
import type { Paths } from "../paths.ts";
import { writeFileWhole } from "../runs/files.ts";

/** What `bulwark serve` started, for the commands that look at it from other terminals. No secret is in it. */
export type Stack = {
  /** Process of `bulwark serve`. */
  pid: number;
  startedAt: string;
  folder: string;
  gateway: {
    /** Base addresses; `http` is the one that probes use when there is no `https`. */
    http?: string;
    https?: string;
    grpc?: string;
    caFile?: string;
    /** Holds a token where the gateway asks for one. */
    tokenFile?: string;
    log: string;
  };
  /** Absent in direct mode. */
  queue?: {
    job: string;
    /** As the user `operator`, who may look. */
    redis: RedisConnectionSettings;
    /** As the user `relay`. */
    relay: RedisConnectionSettings;
    /** Absent where Redis is not ours. */
    redisLog?: string;
    /** Bounds of what may wait, where the settings say them. */
    limits: Partial<IntakeLimits>;
    engineLogs: readonly string[];
    keyringFile: string;
    recordKey: string;
    /** Absent with the embedded engine. */
    flink?: FlinkAddress;
  };
};

/** Where Flink's REST interface is, and with which certificate it is asked. */
export type FlinkAddress = {
  url: string;
  caFile: string;
  certificateFile: string;
  privateKeyFile: string;
  parallelism: number;
  jobManagerLog: string;
  taskManagerLogs: readonly string[];
};

/** Folder of what `bulwark serve` runs: settings, logs, Redis's files. */
export function servingFolder(paths: Paths): string {
  return join(dirname(paths.runs), "serving");
}

const stackFile = (paths: Paths): string => join(servingFolder(paths), "stack.json");

export async function writeStack(paths: Paths, stack: Stack): Promise<void> {
  await writeFileWhole(stackFile(paths), `${JSON.stringify(stack, null, 2)}\n`);
}

export async function removeStack(paths: Paths): Promise<void> {
  await rm(stackFile(paths), { force: true });
}

/** What was started here. Throws SERVING_NOT_READY when nothing was. */
export async function readStack(paths: Paths): Promise<Stack> {
  try {
    return JSON.parse(await readFile(stackFile(paths), "utf8")) as Stack;
  } catch (cause) {
    throw new BulwarkError("SERVING_NOT_READY", "Nothing serves on this machine.", "bulwark serve", { cause });
  }
}
