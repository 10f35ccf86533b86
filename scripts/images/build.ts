// SPDX-License-Identifier: Apache-2.0
import type { Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { inTurn, inWorkFolder, publish } from "../work-folder.ts";
import { FILE_TIME } from "./file-time.ts";
import { IMAGE_CACHE } from "./folders.ts";
import { buildah, type Say, step } from "./run.ts";

/** A built image: an OCI archive, and the name the image has in it. */
export type Image = { name: string; archive: string };

/** What an image is built from. */
export type Recipe = {
  /** Last part of its name. */
  name: string;
  /** Digest of everything it is made from. */
  key: string;
  /** What it is built on, as buildah names images. */
  base: string;
  /** Writes a Containerfile and what it copies into a folder. */
  layOut(folder: string): Promise<void>;
};

/** How many archives of an image are kept: each is hundreds of megabytes. */
const KEPT = 2;

/** Builds an image unless one of exactly these inputs is there; with `to` in any case, from nothing, into that file. */
export async function buildImage(recipe: Recipe, to: string | undefined, say: Say): Promise<Image> {
  await mkdir(IMAGE_CACHE, { recursive: true, mode: 0o700 });
  const name = `bulwark.local/${recipe.name}:${recipe.key}`;
  const archive = to ?? archivePath(recipe.name, recipe.key);
  if (to === undefined && existsSync(archive)) {
    const now = new Date();
    await utimes(archive, now, now);
    return { name, archive };
  }
  await inTurn(IMAGE_CACHE, say, async () => {
    // Whoever had the turn before may have built the same.
    if (to === undefined && existsSync(archive)) return;
    // Left by builds that were killed: whoever has the turn is the only one to build.
    await buildah("rm", "--all").catch(() => undefined);
    await inWorkFolder(IMAGE_CACHE, async (work) => {
      await recipe.layOut(work);
      const made = join(work, "image.tar");
      await step(say, `Building ${name}`, () => build({ work, base: recipe.base, name, made }, to !== undefined));
      await publish(made, archive);
    });
    await removeOlder(recipe.name);
  });
  return { name, archive };
}

/** Adds a file's name and content to a digest. */
export async function addFile(hash: Hash, path: string): Promise<void> {
  hash.update(`${basename(path)}\0`);
  await pipeline(createReadStream(path), async (chunks) => {
    for await (const chunk of chunks) hash.update(chunk as Buffer);
  });
}

const archivePath = (name: string, key: string): string => join(IMAGE_CACHE, `${name}-${key}.tar`);

type Build = { work: string; base: string; name: string; made: string };

async function build({ work, base, name, made }: Build, fromNothing: boolean): Promise<void> {
  const iid = join(work, "image");
  const reproducible = ["--timestamp", String(FILE_TIME), "--layers", "--isolation", "chroot"];
  const args = ["--quiet", ...reproducible, "--build-arg", `BASE=${base}`, "--iidfile", iid, "--tag", name];
  if (fromNothing) args.push("--no-cache");
  await buildah("build", ...args, "--file", join(work, "Containerfile"), work);
  await buildah("push", "--quiet", "--compression-format", "zstd", name, `oci-archive:${made}:${name}`);
}

async function removeOlder(image: string): Promise<void> {
  const isArchive = new RegExp(`^${image}-[0-9a-f]{12}\\.tar$`);
  const names = (await readdir(IMAGE_CACHE)).filter((name) => isArchive.test(name));
  const aged = await Promise.all(
    names.map(async (name) => ({
      path: join(IMAGE_CACHE, name),
      mtimeMs: (await stat(join(IMAGE_CACHE, name))).mtimeMs,
    })),
  );
  const old = aged.toSorted((one, two) => two.mtimeMs - one.mtimeMs).slice(KEPT);
  for (const { path } of old) await rm(path, { force: true });
  // In buildah's storage, too, which keeps layers for the next build. What is in use stays, and is no failure.
  const named = (await buildah("images", "--noheading", "--format", "{{.Name}}:{{.Tag}}")).split("\n");
  const isKept = (name: string): boolean => existsSync(archivePath(image, name.slice(name.lastIndexOf(":") + 1)));
  for (const name of named.filter((each) => each.startsWith(`bulwark.local/${image}:`) && !isKept(each))) {
    await buildah("rmi", name).catch(() => undefined);
  }
  await buildah("rmi", "--prune").catch(() => undefined);
}
