// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { CURRENT, GENERATIONS, generationName, TEMPORARY, toGeneration } from "./layout.ts";
import { findStaleLocks } from "./lock.ts";

/** How many generations before the current one stay, for the jobs that still run with them. */
const KEPT = 3;

/** Number of the current generation; undefined where there is none. A `current` that leads elsewhere is none. */
export async function readCurrent(folder: string): Promise<number | undefined> {
  const target = await readlink(join(folder, CURRENT)).catch(() => "");
  const [parent, name = "", ...rest] = target.split("/");
  return parent === GENERATIONS && rest.length === 0 ? toGeneration(name) : undefined;
}

/** Makes the folders that hold generations, open to their owner alone; those that exist stay as they are. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(join(folder, GENERATIONS), { recursive: true, mode: 0o700 });
}

/**
 * Writes a generation and makes it the current one. It becomes visible complete or not at all: files are on the disk
 * before the folder gets its name, and the folder has its name before `current` leads to it. Call under the lock.
 */
export async function commitGeneration(
  folder: string,
  generation: number,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const generations = join(folder, GENERATIONS);
  const draft = join(generations, makeTemporaryName());
  try {
    await mkdir(draft, { mode: 0o700 });
    for (const [name, content] of files) await writeDurably(join(draft, name), content);
    await syncFolder(draft);
    await rename(draft, join(generations, generationName(generation)));
    await syncFolder(generations);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await switchCurrent(folder, generation);
}

/** Makes a generation that is on the disk the current one. Call under the lock. */
export async function switchCurrent(folder: string, generation: number): Promise<void> {
  const link = join(folder, makeTemporaryName());
  try {
    await symlink(`${GENERATIONS}/${generationName(generation)}`, link);
    await rename(link, join(folder, CURRENT));
  } catch (error) {
    await rm(link, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** The highest generation on the disk, current or not; undefined where there is none. */
export async function findLatest(folder: string): Promise<number | undefined> {
  const numbers = (await readdir(join(folder, GENERATIONS))).flatMap((name) => toGeneration(name) ?? []);
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

/** Removes what interrupted changes left behind. Call under the lock. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const path of await findLeftovers(folder)) await rm(path, { recursive: true, force: true });
}

/** Removes generations that are older than those kept. Call under the lock. */
export async function removeOldGenerations(folder: string, current: number): Promise<void> {
  const generations = join(folder, GENERATIONS);
  for (const name of await readdir(generations)) {
    const generation = toGeneration(name);
    if (generation === undefined || generation >= current - KEPT) continue;
    // Renamed first: an interrupted removal must not leave half a generation under its name.
    const doomed = join(generations, makeTemporaryName());
    await rename(join(generations, name), doomed);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** Paths left behind by interrupted changes: drafts, links, locks of dead processes, generations never made current. */
export async function findLeftovers(folder: string): Promise<string[]> {
  // Without `current` every complete generation may be the one that holds somebody's keys: none is a leftover.
  const current = (await readCurrent(folder)) ?? Number.POSITIVE_INFINITY;
  const generations = join(folder, GENERATIONS);
  const isLeftover = (name: string): boolean => name.startsWith(TEMPORARY) || (toGeneration(name) ?? 0) > current;
  return [
    ...(await readdir(folder)).filter((name) => name.startsWith(TEMPORARY)).map((name) => join(folder, name)),
    ...(await findStaleLocks(folder)).map((name) => join(folder, name)),
    ...(await readdir(generations)).filter(isLeftover).map((name) => join(generations, name)),
  ];
}

const makeTemporaryName = (): string => `${TEMPORARY}${randomBytes(8).toString("hex")}`;

async function writeDurably(path: string, content: Buffer): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
