// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { addFile, buildImage, type Image } from "./build.ts";
import { makeDebianBase } from "./debian-base.ts";
import { IMAGES, ROOT } from "./folders.ts";
import type { Say } from "./run.ts";
import { findServingSources, layOutServing, type ServingSources } from "./serving-files.ts";

export type ServingImageOptions = {
  /** What it is built on, as buildah names images; by default a Debian made here. */
  base?: string;
  /** Builds it even where it was built already, from nothing, into this file. */
  to?: string;
};

/** Builds the image of gateway, engine and Redis unless one of exactly these inputs is there. */
export async function buildServingImage({ base, to }: ServingImageOptions, say: Say): Promise<Image> {
  const sources = await findServingSources();
  const from = base ?? `oci-archive:${await makeDebianBase("serving/debian.txt", say)}`;
  const key = await digestInputs(sources, from);
  const layOut = (folder: string): Promise<void> => layOutServing(sources, folder, say);
  return buildImage({ name: "serving", key, base: from, layOut }, to, say);
}

/** Only lays out the folder that the Containerfile builds from, for another builder. */
export async function layServingImageOut(folder: string, say: Say): Promise<void> {
  await layOutServing(await findServingSources(), folder, say);
}

/** One digest over everything that the image is made from. Libraries and Node.js are what the lock file says. */
async function digestInputs({ workspaces, libraries }: ServingSources, base: string): Promise<string> {
  const hash = createHash("sha256").update(`${basename(base)}\0${process.arch}\0${libraries.join("\0")}\0`);
  const recipe = ["serving-files.ts", "serving-image.ts", "build.ts"].map((file) => join(ROOT, "scripts/images", file));
  const files = ["Containerfile", "entrypoint"].map((file) => join(IMAGES, "serving", file));
  for (const file of [...recipe, ...files, join(ROOT, "package-lock.json")]) await addFile(hash, file);
  for (const place of workspaces) {
    for (const path of await listFiles(join(ROOT, place))) {
      hash.update(`${relative(ROOT, path)}\0`);
      await addFile(hash, path);
    }
  }
  return hash.digest("hex").slice(0, 12);
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => !path.includes("/node_modules/")).sort();
}
