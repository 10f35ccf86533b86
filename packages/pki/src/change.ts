// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import {
  commitGeneration,
  findLatest,
  prepareFolder,
  readCurrent,
  removeLeftovers,
  removeOldGenerations,
  switchCurrent,
} from "./generation.ts";
import { findLooseModes, inspectKeys, isFileError } from "./inspect.ts";
import { addKey } from "./keyring.ts";
import { FILE, GENERATIONS } from "./layout.ts";
import { withLock } from "./lock.ts";
import { makeManifest } from "./manifest.ts";
import type { Material, ROTATIONS } from "./material.ts";
import { type Keys, openKeys, refuseFindings, requireSound } from "./open.ts";
import { resolveValidity, type Validity } from "./validity.ts";

/** What `rotateKeys` can renew. */
export type RotationTarget = keyof typeof ROTATIONS | "all";

/** Findings that do not stand in the way of a change: it cures them. */
const CURED: readonly ErrorCode[] = ["KEYS_EXPIRED", "KEYS_EXPIRING", "KEYS_LEFTOVER"];

/**
 * Makes all keys of a folder, with master keys of the given names.
 * Where keys exist: throws KEYS_EXIST, or with `ifMissing` returns them with the names added that are not there yet.
 * Also throws KEY_NAME_INVALID, KEYS_VALIDITY_INVALID, KEYS_LOCKED, KEYS_UNWRITABLE, DISK_FULL and what `openKeys` throws.
 */
export async function initKeys(
  folder: string,
  options: { now: Date; validity?: Partial<Validity>; keyNames?: readonly string[]; ifMissing?: boolean },
): Promise<Keys> {
  const { now, keyNames = [], ifMissing = false } = options;
  const validity = resolveValidity(options.validity ?? {});
  await change(folder, async () => {
    if ((await readCurrent(folder)) !== undefined) {
      if (!ifMissing) {
        throw new BulwarkError("KEYS_EXIST", `There are keys in ${folder} already`, "bulwark keys show");
      }
      return addMissing(folder, keyNames, now);
    }
    const latest = await findLatest(folder);
    if (latest !== undefined) {
      // An interrupted start, or a lost link: complete keys are there and may be the only ones that open some data.
      await switchCurrent(folder, latest);
      return addMissing(folder, keyNames, now);
    }
    const { makeMaterial } = await loadMaterial();
    return commit(folder, 1, await makeMaterial(now, validity, keyNames), { now, validity });
  });
  return openKeys(folder, { now });
}

/** Adds a master key for data. Throws KEY_EXISTS, KEY_NAME_INVALID and what `initKeys` throws for the folder. */
export async function addDataKey(folder: string, options: { now: Date; id: string }): Promise<Keys> {
  const { now, id } = options;
  return update(folder, now, {}, async (material) => ({ ...material, keyring: addKey(material.keyring, id, now) }));
}

/**
 * Renews the given parts in one step. Running jobs keep working: earlier authorities stay trusted until they expire
 * (unless `distrustPrevious`), older versions of master keys stay, and so do the last generations on the disk.
 * Throws KEY_MISSING for an unknown data key, and what `initKeys` throws for the folder.
 */
export async function rotateKeys(
  folder: string,
  options: {
    now: Date;
    what: RotationTarget | readonly RotationTarget[];
    /** Data keys to rotate with `data`; every one when absent. */
    dataKeys?: readonly string[];
    /** Days for the new certificates; as before when absent. */
    validity?: Partial<Validity>;
    /** Trust no earlier authority any more. */
    distrustPrevious?: boolean;
  },
): Promise<Keys> {
  const { now, what, dataKeys, validity = {}, distrustPrevious = false } = options;
  return update(folder, now, validity, async (material, resolved) => {
    const { ROTATIONS } = await loadMaterial();
    const asked = [what].flat();
    const isAsked = (target: string): boolean => asked.some((entry) => entry === target || entry === "all");
    const context = { now, validity: resolved, distrustPrevious, ...(dataKeys === undefined ? {} : { dataKeys }) };
    let renewed = material;
    for (const [target, rotate] of Object.entries(ROTATIONS)) {
      if (isAsked(target)) renewed = await rotate(renewed, context);
    }
    return renewed;
  });
}

type Edit = (material: Material, validity: Validity) => Promise<Material>;

async function update(folder: string, now: Date, asked: Partial<Validity>, edit: Edit): Promise<Keys> {
  // Asked before anything is made: a folder without keys must not come into being by a rotation.
  await inspectKeys(folder, now);
  await change(folder, () => editCurrent(folder, now, asked, edit));
  return openKeys(folder, { now });
}

async function editCurrent(folder: string, now: Date, asked: Partial<Validity>, edit: Edit): Promise<void> {
  const { manifest, files } = requireSound(await inspectKeys(folder, now), (code) => !CURED.includes(code));
  const validity = resolveValidity(asked, manifest.validity);
  const { fromFiles } = await loadMaterial();
  const material = await edit(fromFiles(files), validity);
  return commit(folder, manifest.generation + 1, material, { now, validity });
}

/** Adds the data keys that are not there; makes no new generation when none is absent. */
async function addMissing(folder: string, keyNames: readonly string[], now: Date): Promise<void> {
  const present = new Set((await openKeys(folder, { now })).keyring.keys.map((key) => key.id));
  const absent = [...new Set(keyNames)].filter((id) => !present.has(id));
  if (absent.length === 0) return;
  await editCurrent(folder, now, {}, async (material) => ({
    ...material,
    keyring: absent.reduce((keyring, id) => addKey(keyring, id, now), material.keyring),
  }));
}

async function commit(
  folder: string,
  generation: number,
  material: Material,
  about: { now: Date; validity: Validity },
): Promise<void> {
  const { toFiles } = await loadMaterial();
  const files = await toFiles(material);
  const manifest = makeManifest(files, { ...about, generation });
  files.set(FILE.manifest, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
  await commitGeneration(folder, generation, files);
  await removeOldGenerations(folder, generation);
}

/** Runs one change under the lock, after the leftovers of interrupted ones are gone. */
async function change(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await prepareFolder(folder);
    // Nothing secret is written into a folder that others may open.
    refuseFindings(await findLooseModes([folder, join(folder, GENERATIONS)]));
    await withLock(folder, async () => {
      await removeLeftovers(folder);
      await work();
    });
  } catch (error) {
    throw isFileError(error) ? toWriteError(folder, error) : error;
  }
}

function toWriteError(folder: string, cause: NodeJS.ErrnoException): BulwarkError {
  return cause.code === "ENOSPC" || cause.code === "EDQUOT"
    ? new BulwarkError("DISK_FULL", `No space is left for keys in ${folder}`, `make space: df -h ${folder}`, { cause })
    : new BulwarkError(
        "KEYS_UNWRITABLE",
        `The keys in ${folder} cannot be written (${cause.code})`,
        `see who owns it: ls -ld ${folder}`,
        { cause },
      );
}

/** The libraries that write certificates take longer to load than a whole read of the keys. */
const loadMaterial = () => import("./material.ts");
