// SPDX-License-Identifier: Apache-2.0
// The files of the Spark image, as they will lie in it.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ensureSpark, type SparkRuntime } from "../../cli/src/runtime/spark.ts";
import { sparkJavaOptions } from "../../packages/spark/src/java-options.ts";
import { runProgram } from "../run-program.ts";
import { inWorkFolder, publish } from "../work-folder.ts";
import { normalise } from "./file-time.ts";
import { CACHE, IMAGE_CACHE, IMAGES, ROOT } from "./folders.ts";
import { type Group, isLeftOut } from "./left-out.ts";
import { type Say, step } from "./run.ts";

/** What the image is made from. */
export type Sources = {
  jar: string;
  spark: SparkRuntime;
  jars: readonly string[];
  requirements: string;
  /** Version of the Python in the base, which wheels are for. */
  python: string;
};

/** The oldest Java the image may have: what a newer one alone understands is not in its options. */
const JAVA_MAJOR = 17;
/** Of Spark's Python, what is no package: jars and scripts have their own places, and local clusters leave logs of jobs there. */
const NO_PYTHON = ["jars", "bin", "sbin", "data", "examples", "licenses", "python", "__pycache__", "work", "logs"];
/** Wheels that a base of the last years can run. */
const GLIBC = ["2_17", "2_27", "2_28"];
const SPARK_JARS = "/opt/spark/jars";
const OUR_JAR = "/opt/bulwark/bulwark.jar";
/** Folders that jobs mount something on, or write to. */
const MOUNT_POINTS = ["data", "etc/bulwark/conf", "etc/bulwark/secrets", "var/bulwark/scratch"];
const PROGRAMS = ["entrypoint"];
const OUR_MOUNT_POINTS = ["opt/bulwark/program", "opt/bulwark/home"];

/** Finds what the image is made from, building our jar and installing Spark where they are missing. */
export async function findSources(groups: readonly Group[], python: string, say: Say): Promise<Sources> {
  await step(say, "Building our jar", () => runProgram(process.execPath, [join(ROOT, "scripts/build-jvm.mjs")]));
  const progress = {
    step: (name: string) => {
      say(`${name} ...`);
      return { update: () => undefined, done: () => undefined };
    },
    note: say,
    warn: say,
    debug: () => undefined,
    aside: (write: () => void) => write(),
    close: () => undefined,
  };
  const signal = new AbortController().signal;
  const spark = await ensureSpark({ env: {}, cacheDir: CACHE, progress, signal });
  const jars = spark.jars.filter((path) => !isLeftOut(basename(path), groups));
  return {
    jar: join(ROOT, "jvm/target/bulwark.jar"),
    spark,
    jars,
    requirements: join(ROOT, "cli/src/runtime/requirements.txt"),
    python,
  };
}

/** Lays out the files below `folder`/rootfs, in the parts that become layers, each with the same time. */
export async function layOut(sources: Sources, folder: string, say: Say): Promise<void> {
  const rootfs = join(folder, "rootfs");
  await step(say, "Copying Spark", () => layOutSpark(sources, join(rootfs, "spark")));
  await step(say, "Installing Python packages", () => layOutPython(sources, join(rootfs, "python")));
  await layOutBulwark(sources, join(rootfs, "bulwark"));
  await normalise(rootfs, PROGRAMS);
  await copyFile(join(IMAGES, "spark/Containerfile"), join(folder, "Containerfile"));
}

async function layOutSpark({ spark, jars }: Sources, root: string): Promise<void> {
  const target = join(root, SPARK_JARS);
  await mkdir(target, { recursive: true });
  for (const path of jars) await copyFile(path, join(target, basename(path)));
  await cp(join(spark.home, "licenses"), join(root, "opt/spark/licenses"), { recursive: true });
  for (const path of MOUNT_POINTS) await mkdir(join(root, path), { recursive: true });
}

/** Spark's Python and what it needs, for the Python of the base and not of this machine. */
async function layOutPython({ spark, requirements, python }: Sources, root: string): Promise<void> {
  const target = join(root, "opt/spark/python");
  await mkdir(target, { recursive: true });
  const isPackage = (path: string): boolean =>
    dirname(path) === spark.home ? !NO_PYTHON.includes(basename(path)) : basename(path) !== "__pycache__";
  await cp(spark.home, join(target, "pyspark"), { recursive: true, filter: (path) => isPackage(path) });
  const [py4j] = (await readdir(join(spark.home, "python/lib"))).filter((name) => name.startsWith("py4j-"));
  if (py4j === undefined) throw new Error(`${spark.home}/python/lib has no py4j.`);
  await runProgram(spark.python, ["-m", "zipfile", "-e", join(spark.home, "python/lib", py4j), target]);
  await cp(await findWheels(spark.python, requirements, python), target, { recursive: true });
}

/** The locked packages, installed for a Python version and kept: a second build needs no network. */
async function findWheels(pip: string, requirements: string, python: string): Promise<string> {
  const key = createHash("sha256")
    .update(await readFile(requirements))
    .update(`${python} ${process.arch}`);
  const folder = join(IMAGE_CACHE, `python-${key.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const flags = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-input", "--no-compile", "--quiet"];
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const platforms = GLIBC.flatMap((version) => ["--platform", `manylinux_${version}_${machine}`]);
  await inWorkFolder(IMAGE_CACHE, async (work) => {
    const target = join(work, "packages");
    const place = ["--python-version", python, ...platforms, "--target", target];
    await runProgram(pip, ["-I", "-m", "pip", "install", ...flags, ...place, "-r", requirements]);
    await rm(join(target, "bin"), { recursive: true, force: true });
    await removeTests(target);
    await publish(target, folder);
  });
  return folder;
}

/** Tests of libraries are a third of their size. */
async function removeTests(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isDirectory() && each.name === "tests")) {
    await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
  }
}

async function layOutBulwark({ jar, jars }: Sources, root: string): Promise<void> {
  const target = join(root, "opt/bulwark");
  await mkdir(join(target, "bin"), { recursive: true });
  for (const path of OUR_MOUNT_POINTS) await mkdir(join(root, path), { recursive: true });
  await copyFile(jar, join(root, OUR_JAR));
  await copyFile(join(IMAGES, "spark/entrypoint"), join(target, "bin/entrypoint"));
  await copyFile(join(IMAGES, "spark/classes.list"), join(target, "classes.list"));
  const names = jars.map((path) => basename(path)).toSorted();
  const classPath = [OUR_JAR, ...names.map((name) => `${SPARK_JARS}/${name}`)].join(":");
  await writeFile(join(target, "classpath"), classPath);
  await writeFile(join(target, "java.options"), `${[...sparkJavaOptions(JAVA_MAJOR), "-cp", classPath].join("\n")}\n`);
}
