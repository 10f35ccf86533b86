// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { chmod, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const OTHERS = 0o077;
const OWNER = 0o700;

/** Writes a file under a temporary name, flushes it and renames it: readers see the old content or the new. */
export async function writeFileWhole(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Takes a folder and everything in it from everyone but the owner: Spark gives some of its files wider modes. */
export async function restrictToOwner(path: string): Promise<void> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return;
  if ((stat.mode & OTHERS) !== 0) await chmod(path, stat.mode & OWNER);
  if (!stat.isDirectory()) return;
  for (const name of await readdir(path)) await restrictToOwner(join(path, name));
}
