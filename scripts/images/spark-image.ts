// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { inTurn, inWorkFolder, publish } from "../work-folder.ts";
import { makeDebianBase } from "./debian-base.ts";
import { IMAGE_CACHE, IMAGES, ROOT } from "./folders.ts";
import { readLeftOut } from "./left-out.ts";
import { buildah, type Say, step } from "./run.ts";
import { FILE_TIME, findSources, layOut, type Sources } from "./spark-files.ts";

/** A built image: an OCI archive, and the name the image has in it. */
export type Image = { name: string; archive: string };

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

const NAME = "bulwark.local/spark";
const archivePath = (key: string): string => join(IMAGE_CACHE, `spark-${key}.tar`);
/** How many archives are kept: each is most of a gigabyte. */
const KEPT = 2;
/** Python of Debian bookworm. */
const DEBIAN_PYTHON = "3.11";

/** Builds the Spark image unless one of exactly these inputs is there. */
export async function buildSparkImage(options: ImageOptions, say: Say): Promise<Image> {
  await mkdir(IMAGE_CACHE, { recursive: true, mode: 0o700 });
  const groups = await readLeftOut(options.keep);
  const sources = await findSources(groups, options.python ?? DEBIAN_PYTHON, say);
  const base = options.base ?? `oci-archive:${await makeDebianBase(say)}`;
  const key = await digestInputs(sources, base);
  const name = `${NAME}:${key}`;
  const archive = options.to ?? archivePath(key);
  if (options.to === undefined && existsSync(archive)) {
    const now = new Date();
    await utimes(archive, now, now);
    return { name, archive };
  }
  await inTurn(IMAGE_CACHE, say, async () => {
    // Whoever had the turn before may have built the same.
    if (options.to === undefined && existsSync(archive)) return;
    // Left by builds that were killed: whoever has the turn is the only one to build.
    await buildah("rm", "--all").catch(() => undefined);
    await inWorkFolder(IMAGE_CACHE, async (work) => {
      await layOut(sources, work, say);
      const made = join(work, "image.tar");
      await step(say, `Building ${name}`, () => build({ work, base, name, made }, options.to !== undefined));
      await publish(made, archive);
    });
    await removeOlder();
  });
  return { name, archive };
}

type Build = { work: string; base: string; name: string; made: string };

/** Only lays out the folder that the Containerfile builds from, for another builder. */
export async function laySparkImageOut(options: ImageOptions, folder: string, say: Say): Promise<void> {
  const groups = await readLeftOut(options.keep);
  await layOut(await findSources(groups, options.python ?? DEBIAN_PYTHON, say), folder, say);
}

async function build({ work, base, name, made }: Build, fromNothing: boolean): Promise<void> {
  const iid = join(work, "image");
  const reproducible = ["--timestamp", String(FILE_TIME), "--layers", "--isolation", "chroot"];
  const args = ["--quiet", ...reproducible, "--build-arg", `BASE=${base}`, "--iidfile", iid, "--tag", name];
  if (fromNothing) args.push("--no-cache");
  await buildah("build", ...args, "--file", join(work, "Containerfile"), work);
  await buildah("push", "--quiet", "--compression-format", "zstd", name, `oci-archive:${made}:${name}`);
}

/** One digest over everything that the image is made from. */
async function digestInputs({ jar, jars, requirements, python }: Sources, base: string): Promise<string> {
  const hash = createHash("sha256").update(`${basename(base)}\0${process.arch}\0${python}\0`);
  const files = ["spark/Containerfile", "spark/entrypoint", "spark/classes.list"].map((file) => join(IMAGES, file));
  const recipe = ["spark-files.ts", "spark-image.ts"].map((file) => join(ROOT, "scripts/images", file));
  const options = join(ROOT, "packages/spark/src/java-options.ts");
  for (const file of [...files, ...recipe, options, requirements, jar]) await addFile(hash, file);
  // Spark was checked by its digest when it was installed, so names and sizes tell its jars apart.
  for (const path of jars) hash.update(`${basename(path)}\0${(await stat(path)).size}\0`);
  return hash.digest("hex").slice(0, 12);
}

async function addFile(hash: Hash, path: string): Promise<void> {
  hash.update(`${basename(path)}\0`);
  await pipeline(createReadStream(path), async (chunks) => {
    for await (const chunk of chunks) hash.update(chunk as Buffer);
  });
}

async function removeOlder(): Promise<void> {
  const names = (await readdir(IMAGE_CACHE)).filter((name) => /^spark-[0-9a-f]{12}\.tar$/.test(name));
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
  const isKept = (name: string): boolean => existsSync(archivePath(name.slice(name.lastIndexOf(":") + 1)));
  for (const name of named.filter((each) => each.startsWith(`${NAME}:`) && !isKept(each))) {
    await buildah("rmi", name).catch(() => undefined);
  }
  await buildah("rmi", "--prune").catch(() => undefined);
}
