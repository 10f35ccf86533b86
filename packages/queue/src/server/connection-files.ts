// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { isOpenToOthers } from "@bulwark/contracts/secret-file";
import type { RedisAddress } from "../redis/options.ts";

/** How a process is told where Redis is: secrets and certificates by file. */
export type RedisConnectionSettings = {
  url: string;
  user?: string;
  /** One line; readable by those alone whom it is for (`isOpenToOthers`). */
  passwordFile?: string;
  caFile?: string;
  certificateFile?: string;
  privateKeyFile?: string;
  timeoutMs?: number;
};

/** Reads the files. Throws SERVING_CONFIG for one that cannot be read, KEYRING_UNSAFE for a secret open to others. */
export async function readRedisAddress(settings: RedisConnectionSettings): Promise<RedisAddress> {
  const { url, user, timeoutMs } = settings;
  const password = await readSecret(settings.passwordFile);
  const privateKey = await readSecret(settings.privateKeyFile);
  const [ca, certificate] = await Promise.all([read(settings.caFile), read(settings.certificateFile)]);
  return {
    url,
    ...(user === undefined ? {} : { user }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(password === undefined ? {} : { password: password.trim() }),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(privateKey === undefined ? {} : { privateKey }),
  };
}

async function readSecret(path: string | undefined): Promise<string | undefined> {
  const text = await read(path);
  if (path === undefined || !isOpenToOthers(await stat(path), process.geteuid?.())) return text;
  throw new BulwarkError("KEYRING_UNSAFE", `${path} can be read by other users.`, `chmod 600 ${path}`);
}

async function read(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read.`, "check the path in the settings", { cause });
  });
}
