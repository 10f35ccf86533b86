// SPDX-License-Identifier: Apache-2.0
import { access, constants, mkdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import type { Versions } from "../versions.ts";
import { downloadsFolder } from "./spark-archive.ts";

/**
 * Makes the cache folder, for its owner alone: the programs that jobs run on come from it.
 *
 * @throws the error of the file system
 */
export async function prepareCache(cacheDir: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  await access(cacheDir, constants.W_OK | constants.X_OK);
}

/** @throws DISK_FULL when what is still to be fetched and unpacked will not fit */
export async function requireSpace(cacheDir: string, spark: Versions["spark"]): Promise<void> {
  const part = await stat(join(downloadsFolder(cacheDir), `${spark.file}.part`)).catch(() => undefined);
  const needed = Math.max(0, spark.bytes - (part?.size ?? 0)) + spark.installedBytes;
  const { bavail, bsize } = await statfs(cacheDir);
  const free = bavail * bsize;
  if (free >= needed) return;
  throw diskFull(cacheDir, needed, free);
}

/** The error for a disk that is, or would be, full. Sizes in bytes. */
export function diskFull(cacheDir: string, needed: number, free: number): BulwarkError {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
  return new BulwarkError(
    "DISK_FULL",
    `Spark needs ${megabytes(needed)} in ${cacheDir}; ${megabytes(free)} are free.`,
    "Free some space, or use another folder: bulwark config set cacheDir FOLDER",
  );
}
