// SPDX-License-Identifier: Apache-2.0
import { chmod, lutimes, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";

/** The time of every file: an archive of classes only fits jars of the same time. Not 0, which Java takes for "unknown". */
export const FILE_TIME = Date.UTC(2026, 0, 1) / 1000;

/** The same time and the same rights for all, whatever the umask and the programs that wrote them. */
export async function normalise(folder: string, programs: readonly string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await normalise(path, programs);
    } else if (entry.isSymbolicLink()) {
      await lutimes(path, FILE_TIME, FILE_TIME);
    } else {
      await chmod(path, programs.includes(entry.name) ? 0o755 : 0o644);
      await utimes(path, FILE_TIME, FILE_TIME);
    }
  }
  await chmod(folder, 0o755);
  await utimes(folder, FILE_TIME, FILE_TIME);
}
