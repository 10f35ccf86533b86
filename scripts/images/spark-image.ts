// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { addFile, buildImage, type Image } from "./build.ts";
import { makeDebianBase } from "./debian-base.ts";
import { IMAGES, ROOT } from "./folders.ts";
import { readLeftOut } from "./left-out.ts";
import type { Say } from "./run.ts";
import { findSources, layOut, type Sources } from "./spark-files.ts";

export type ImageOptions = {
  /** What it is built on, as buildah names images; by default a Debian made here. */
  base?: string;
  /** Groups of left-out.txt to leave in. */
  keep?: readonly string[];
  /** Version of the Python in the base; by default that of the Debian. */
  python?: string;
  /** Builds it even where it was built already, from nothing, into this file. */
  to?: string;
};

/** Python of Debian bookworm. */
const DEBIAN_PYTHON = "3.11";

/** Builds the Spark image unless one of exactly these inputs is there. */
export async function buildSparkImage(options: ImageOptions, say: Say): Promise<Image> {
  const groups = await readLeftOut(options.keep);
  const sources = await findSources(groups, options.python ?? DEBIAN_PYTHON, say);
  const base = options.base ?? `oci-archive:${await makeDebianBase("debian.txt", say)}`;
  const key = await digestInputs(sources, base);
  return buildImage({ name: "spark", key, base, layOut: (folder) => layOut(sources, folder, say) }, options.to, say);
}

/** Only lays out the folder that the Containerfile builds from, for another builder. */
export async function laySparkImageOut(options: ImageOptions, folder: string, say: Say): Promise<void> {
  const groups = await readLeftOut(options.keep);
  await layOut(await findSources(groups, options.python ?? DEBIAN_PYTHON, say), folder, say);
}

/** One digest over everything that the image is made from. */
async function digestInputs({ jar, jars, requirements, python }: Sources, base: string): Promise<string> {
  const hash = createHash("sha256").update(`${basename(base)}\0${process.arch}\0${python}\0`);
  const files = ["spark/Containerfile", "spark/entrypoint", "spark/classes.list"].map((file) => join(IMAGES, file));
  const recipe = ["spark-files.ts", "spark-image.ts", "build.ts"].map((file) => join(ROOT, "scripts/images", file));
  const options = join(ROOT, "packages/spark/src/java-options.ts");
  for (const file of [...files, ...recipe, options, requirements, jar]) await addFile(hash, file);
  // Spark was checked by its digest when it was installed, so names and sizes tell its jars apart.
  for (const path of jars) hash.update(`${basename(path)}\0${(await stat(path)).size}\0`);
  return hash.digest("hex").slice(0, 12);
}
