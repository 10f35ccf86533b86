// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { RoleFiles } from "@bulwark/pki";
import {
  nameKeys,
  REDIS_USERS,
  type RedisConnectionSettings,
  type RedisUser,
  renderRedisConfiguration,
  renderUsers,
} from "@bulwark/queue";
import { writeFileWhole } from "../runs/files.ts";
import { findFreePort } from "./free-port.ts";
import { keepRunning, type RunningPart } from "./keep-running.ts";
import { askRedis } from "./redis-probe.ts";

const LIFELINE = fileURLToPath(new URL("./lifeline.sh", import.meta.url));
const PROGRAMS = ["redis-server", "valkey-server"];
const START_LIMIT_MS = 15_000;
const PAUSE_MS = 50;
const PASSWORD_BYTES = 32;

export type RedisOptions = {
  job: string;
  /** Folder of its files; it is made. */
  folder: string;
  /** Our keys: Redis and its clients show each other certificates of our own authority. */
  files: RoleFiles;
  /** 0: one that the kernel chooses, the same again where the folder was used before. */
  port: number;
  mostBytes: number;
  fsync: "always" | "everysec";
  env: Readonly<Record<string, string | undefined>>;
  /** Told of ends that nobody asked for. */
  onEnd: (how: string) => void;
};

/** A Redis of ours. */
export type OwnRedis = {
  process: RunningPart;
  log: string;
  connection(user: RedisUser): RedisConnectionSettings;
};

/** The name of an installed program that can be the queue, or undefined. */
export function findRedisProgram(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return PROGRAMS.find((program) => spawnSync(program, ["--version"], { env }).status === 0);
}

/**
 * Starts an installed redis-server: TLS alone on loopback, a user for each role, nothing evicted, every record in an
 * append-only file. It is started again when it dies, and dies with us. Resolves when it answers.
 *
 * @throws BulwarkError REDIS_MISSING, REDIS_START_FAILED
 */
export async function startRedis(options: RedisOptions): Promise<OwnRedis> {
  const { folder, files, job, env } = options;
  const program = findRedisProgram(env);
  if (program === undefined) {
    throw new BulwarkError("REDIS_MISSING", "There is no redis-server.", "apt-get install redis-server");
  }
  const data = join(folder, "data");
  await mkdir(data, { recursive: true, mode: 0o700 });
  const passwords = await writePasswords(folder);
  const [usersFile, configurationFile, log] = ["users.acl", "redis.conf", "redis.log"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const port = options.port === 0 ? await findFreePort() : options.port;
  await writeFileWhole(usersFile, renderUsers(nameKeys(job), passwords));
  await writeFileWhole(
    configurationFile,
    renderRedisConfiguration({
      ...{ port, folder: data, usersFile, mostBytes: options.mostBytes, fsync: options.fsync },
      ...{ certificateFile: files.certificate, privateKeyFile: files.privateKey, caFile: files.caBundle },
    }),
  );
  const connection = (user: RedisUser): RedisConnectionSettings => ({
    url: `rediss://127.0.0.1:${port}`,
    user,
    passwordFile: passwordFile(folder, user),
    caFile: files.caBundle,
    certificateFile: files.certificate,
    privateKeyFile: files.privateKey,
  });
  const part = { name: "redis", command: "/bin/sh", args: [LIFELINE, program, configurationFile], log, env };
  const process = keepRunning(part, options.onEnd);
  try {
    await waitForRedis(connection("operator"), log);
  } catch (error) {
    await process.stop(0);
    throw error;
  }
  return { process, log, connection };
}

const passwordFile = (folder: string, user: RedisUser): string => join(folder, `${user}.password`);

/** New passwords at each start: nobody has to keep them. */
async function writePasswords(folder: string): Promise<Record<RedisUser, string>> {
  const passwords = REDIS_USERS.map((user) => [user, randomBytes(PASSWORD_BYTES).toString("base64url")] as const);
  for (const [user, password] of passwords) await writeFileWhole(passwordFile(folder, user), `${password}\n`);
  return Object.fromEntries(passwords) as Record<RedisUser, string>;
}

async function waitForRedis(connection: RedisConnectionSettings, log: string): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await askRedis(connection, async () => {});
      return;
    } catch (cause) {
      if (performance.now() > limit) throw await startFailed(log, cause);
      await delay(PAUSE_MS);
    }
  }
}

async function startFailed(log: string, cause: unknown): Promise<BulwarkError> {
  const lines = (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n");
  const message = `redis-server did not come up: ${lines.at(-1) ?? "it said nothing"}`;
  return new BulwarkError("REDIS_START_FAILED", message, `read ${log}`, { cause });
}
