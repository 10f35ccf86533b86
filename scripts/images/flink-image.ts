// SPDX-License-Identifier: Apache-2.0
// The image of Flink's processes: the serving job, with Flink and ONNX Runtime.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { FLINK_PROCESSES } from "../../cli/src/serving/flink/configuration.ts";
import { runProgram } from "../run-program.ts";
import { addFile, buildImage, type Image } from "./build.ts";
import { makeDebianBase } from "./debian-base.ts";
import { normalise } from "./file-time.ts";
import { IMAGES, ROOT } from "./folders.ts";
import { type Say, step } from "./run.ts";
import type { ServingImageOptions } from "./serving-image.ts";

const NAME = "serving-flink";
const BUILT = join(ROOT, "jvm/serving/target");
const PROGRAMS = ["entrypoint"];
const MOUNT_POINTS = ["etc/bulwark/conf", "etc/bulwark/secrets", "models"];
const OPT = "/opt/bulwark";
const CLASS_PATH = `${OPT}/bulwark-serving.jar:${OPT}/lib/*`;

/** Builds the image of Flink's processes unless one of exactly these inputs is there. */
export async function buildFlinkImage({ base, to }: ServingImageOptions, say: Say): Promise<Image> {
  await ensureBuilt(say);
  const from = base ?? `oci-archive:${await makeDebianBase(`${NAME}/debian.txt`, say)}`;
  const key = await digestInputs(from);
  return buildImage({ name: NAME, key, base: from, layOut }, to, say);
}

/** Only lays out the folder that the Containerfile builds from, for another builder. */
export async function layFlinkImageOut(folder: string, say: Say): Promise<void> {
  await ensureBuilt(say);
  await layOut(folder);
}

async function ensureBuilt(say: Say): Promise<void> {
  await step(say, "Building the serving job", () =>
    runProgram(process.execPath, [join(ROOT, "scripts/build-jvm.mjs"), "serving"]),
  );
}

/** Lays out the files below `folder`/rootfs, in the parts that become layers, each with the same time. */
async function layOut(folder: string): Promise<void> {
  const [library, bulwark] = ["library", "bulwark"].map((part) => join(folder, "rootfs", part)) as [string, string];
  await mkdir(join(library, OPT, "lib"), { recursive: true });
  for (const jar of await listLibrary()) await copyFile(jar, join(library, OPT, "lib", basename(jar)));
  for (const path of MOUNT_POINTS) await mkdir(join(library, path), { recursive: true });
  await mkdir(join(bulwark, OPT, "bin"), { recursive: true });
  await copyFile(join(BUILT, "bulwark-serving.jar"), join(bulwark, OPT, "bulwark-serving.jar"));
  await copyFile(join(IMAGES, NAME, "entrypoint"), join(bulwark, OPT, "bin/entrypoint"));
  await copyFile(join(ROOT, "LICENSE"), join(bulwark, OPT, "LICENSE"));
  for (const [role, { main, options }] of Object.entries(FLINK_PROCESSES)) {
    const lines = [...options, "-cp", CLASS_PATH, main];
    await writeFile(join(bulwark, OPT, `${role}.options`), `${lines.join("\n")}\n`);
  }
  await normalise(join(folder, "rootfs"), PROGRAMS);
  await copyFile(join(IMAGES, NAME, "Containerfile"), join(folder, "Containerfile"));
}

/** Flink, ONNX Runtime and what they need: what Maven put beside our jar, and nothing of Flink's distribution else. */
async function listLibrary(): Promise<string[]> {
  return (await readdir(join(BUILT, "lib"))).sort().map((name) => join(BUILT, "lib", name));
}

/** One digest over everything that the image is made from. Maven checked the library, so names and sizes tell it apart. */
async function digestInputs(base: string): Promise<string> {
  const hash = createHash("sha256").update(`${basename(base)}\0${process.arch}\0${JSON.stringify(FLINK_PROCESSES)}\0`);
  const recipe = ["flink-image.ts", "build.ts"].map((file) => join(ROOT, "scripts/images", file));
  const files = ["Containerfile", "entrypoint"].map((file) => join(IMAGES, NAME, file));
  for (const file of [...recipe, ...files, join(BUILT, "bulwark-serving.jar")]) await addFile(hash, file);
  for (const path of await listLibrary()) hash.update(`${basename(path)}\0${(await stat(path)).size}\0`);
  return hash.digest("hex").slice(0, 12);
}
