// SPDX-License-Identifier: Apache-2.0
import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Context } from "../../command.ts";
import { type Check, fail, type Outcome, ok, warn } from "./check.ts";

/** Below this a job's spilled data and logs are likely not to fit. */
const LITTLE_SPACE_BYTES = 5_000_000_000;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;

/** The folders of the tool: programs in one, secrets in the others. */
export const FOLDER_CHECKS: readonly Check[] = [
  { name: "cache folder", look: ({ paths }: Context) => checkFolder(paths.cache, OTHERS_MAY_WRITE) },
  { name: "runs folder", look: ({ paths }: Context) => checkFolder(paths.runs, OTHERS_MAY_ANYTHING) },
  { name: "keys folder", look: ({ paths }: Context) => checkFolder(paths.keys, OTHERS_MAY_ANYTHING) },
];

/** Judges one folder: can it be written, is it closed to others (`forbidden` permission bits), is there space. */
export async function checkFolder(path: string, forbidden: number): Promise<Outcome> {
  const existing = await nearestExisting(path);
  const writable = await access(existing, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const status = await stat(existing);
  if (!status.isDirectory()) return fail(`${existing} is a file, not a folder`, `mv ${existing} ${existing}.old`);
  if (!writable) return fail(`${existing} cannot be written`, `chmod u+rwx ${existing}`);
  if (existing === path && (status.mode & forbidden) !== 0) {
    const mode = (status.mode & 0o777).toString(8);
    return fail(`${path} is open to other users (mode ${mode})`, `chmod 700 ${path}`);
  }
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const detail = `${path}${existing === path ? "" : " (not made yet)"}, ${Math.floor(free / 1e9)} GB free`;
  return free >= LITTLE_SPACE_BYTES ? ok(detail) : warn(detail, `free some space: df -h ${existing}`);
}

async function nearestExisting(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined && dirname(path) !== path ? nearestExisting(dirname(path)) : path;
}
