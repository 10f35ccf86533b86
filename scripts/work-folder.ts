// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { withInstallLock } from "../cli/src/runtime/install-lock.ts";

/**
 * Lets `make` fill a new folder below `parent`, and removes it afterwards. Folders of processes that were killed meanwhile go, too.
 * What is to stay is renamed out of it by `publish`, so that it appears whole or not at all.
 */
export async function inWorkFolder<T>(parent: string, make: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await sweep(parent);
  const folder = join(parent, `building-${process.pid}-${randomBytes(4).toString("hex")}`);
  await mkdir(folder, { mode: 0o700 });
  try {
    return await make(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Does work that one process does at a time in a folder; the others wait. A process that is gone holds nothing. */
export async function inTurn<T>(parent: string, say: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const onWait = (pid: number): void => say(`Waiting for process ${pid}, which is building in ${parent}.`);
  return withInstallLock(join(parent, "build.lock"), { signal: new AbortController().signal, onWait }, work);
}

/** Puts a finished file or folder in its place. */
export async function publish(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^building-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(parent, name), { recursive: true, force: true });
  }
}
