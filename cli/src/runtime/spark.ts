// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BulwarkError } from "@bulwark/contracts";
import type { Progress } from "../command.ts";
import { versions as PINS, type Versions } from "../versions.ts";
import { prepareCache, requireSpace } from "./cache-folder.ts";
import { translateFailure } from "./install-failure.ts";
import { withInstallLock } from "./install-lock.ts";
import {
  createEnvironment,
  findEnvironmentPython,
  findPython,
  furnishEnvironment,
  nameEnvironment,
  type Python,
} from "./python.ts";
import type { Patience } from "./retry.ts";
import { fetchSpark, unpackSpark } from "./spark-archive.ts";
import { installFolder, readInstalledHome, readSparkHome, type SparkHome } from "./spark-home.ts";

/** Everything a job needs of Spark. */
export type SparkRuntime = SparkHome & {
  /** Interpreter of a private environment that imports this Spark's `pyspark`, py4j and numpy. */
  python: string;
};

export type SparkOptions = {
  env: Readonly<Record<string, string | undefined>>;
  /** The user's own Spark, else SPARK_HOME of `env`; nothing is installed then but the Python packages. */
  sparkHome?: string;
  cacheDir: string;
  /** The pins; ours by default. */
  versions?: Versions;
  /** The lock file of the Python packages; ours by default. */
  requirementsFile?: string;
};

export type InstallOptions = SparkOptions & {
  progress: Progress;
  signal: AbortSignal;
  /** How long a silent connection is waited for, and how often a transfer is tried again. */
  idleMs?: number;
  patience?: Patience;
};

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const BUILDING = "building-";
const IDLE_MS = 30_000;
const PATIENCE: Patience = { attempts: 6, pauseMs: 500, pauseLimitMs: 15_000 };

/**
 * Finds a Spark that is ready to run jobs, starting no process; undefined where something has to be installed first.
 *
 * @throws SPARK_HOME_BROKEN
 */
export async function findSpark(options: SparkOptions): Promise<SparkRuntime | undefined> {
  const home = await findSparkHome(options);
  if (home === undefined) return undefined;
  const python = await findEnvironmentPython(await environmentFolder(home.home, options));
  return python === undefined ? undefined : { ...home, python };
}

/** Like `findSpark`, without the Python. */
export async function findSparkHome(options: SparkOptions): Promise<SparkHome | undefined> {
  const { env, cacheDir, versions = PINS } = options;
  const own = options.sparkHome ?? env.SPARK_HOME ?? "";
  return own === "" ? readInstalledHome(installFolder(cacheDir, versions.spark)) : readSparkHome(own);
}

/**
 * Finds Spark, installing what is missing: the pinned Spark (unless `sparkHome` is given) and the Python environment.
 * Several may call this at once; one installs and the others wait. What a broken download brought is kept for the next
 * call, everything else appears whole or not at all.
 *
 * @throws SPARK_HOME_BROKEN, PYTHON_MISSING, PYTHON_VENV_MISSING, PYTHON_PACKAGES_FAILED, SPARK_DOWNLOAD_FAILED,
 * SPARK_DOWNLOAD_DAMAGED, SPARK_INSTALL_FAILED, CACHE_UNWRITABLE, DISK_FULL, INTERRUPTED
 */
export async function ensureSpark(options: InstallOptions): Promise<SparkRuntime> {
  return ensure(options, findSpark, (ground) => installAll(ground));
}

/** Like `ensureSpark`, without the Python environment: enough for applications in jars. */
export async function ensureSparkHome(options: InstallOptions): Promise<SparkHome> {
  return ensure(options, findSparkHome, async (ground) => {
    await installSpark(ground);
    return requireHome(ground);
  });
}

/** What an installation works with. */
type Ground = Required<Omit<InstallOptions, "sparkHome">> & {
  sparkHome?: string;
  /** The machine's Python, and one with pip. */
  python: Python;
  withPip: string;
  /** Folders being made, renamed in place when they are whole. */
  environment: string;
  unpacked: string;
};

async function ensure<T>(
  options: InstallOptions,
  find: (options: SparkOptions) => Promise<T | undefined>,
  make: (ground: Ground) => Promise<T>,
): Promise<T> {
  const found = await find(options);
  if (found !== undefined) return found;
  const full = { versions: PINS, requirementsFile: REQUIREMENTS, idleMs: IDLE_MS, patience: PATIENCE, ...options };
  const { cacheDir, progress, signal } = full;
  try {
    await prepareCache(cacheDir);
    const onWait = (pid: number) => progress.note(`Waiting for process ${pid}, which is installing Spark.`);
    return await withInstallLock(join(cacheDir, "install.lock"), { signal, onWait }, async () => {
      return (await find(options)) ?? (await build(full, make));
    });
  } catch (error) {
    throw translateFailure(error, full);
  }
}

async function build<T>(
  options: Omit<Ground, "python" | "withPip" | "environment" | "unpacked">,
  make: (ground: Ground) => Promise<T>,
): Promise<T> {
  const { cacheDir, env, versions } = options;
  await sweep(cacheDir);
  if ((await findSparkHome(options)) === undefined) await requireSpace(cacheDir, versions.spark);
  const python = await findPython({ env, limits: versions.python });
  const building = await mkdtemp(join(cacheDir, BUILDING));
  try {
    const environment = join(building, "python");
    if (!python.hasPip) await createEnvironment(python, environment, options);
    const withPip = python.hasPip ? python.executable : join(environment, "bin/python");
    return await make({ ...options, python, withPip, environment, unpacked: join(building, "spark") });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function installAll(ground: Ground): Promise<SparkRuntime> {
  // One step that fails ends the other: nothing runs on behind an error.
  const stop = new AbortController();
  const call = { ...ground, signal: AbortSignal.any([ground.signal, stop.signal]) };
  const present = await findSparkHome(ground);
  const importPaths = present?.pythonPaths ?? [installFolder(ground.cacheDir, ground.versions.spark)];
  const steps = [...(present === undefined ? [installSpark(call)] : []), makeEnvironment(importPaths, call)];
  await settleAll(steps, stop);
  const home = present ?? (await requireHome(ground));
  const folder = await environmentFolder(home.home, ground);
  await publish(ground.environment, folder);
  return { ...home, python: join(folder, "bin/python") };
}

async function requireHome(ground: Ground): Promise<SparkHome> {
  const home = await findSparkHome(ground);
  if (home !== undefined) return home;
  const folder = installFolder(ground.cacheDir, ground.versions.spark);
  throw new BulwarkError("SPARK_INSTALL_FAILED", `${folder} was changed while it was made.`, `rm -r ${folder}`);
}

/** Under the lock nobody else builds here: what is there was left by a call that died. Its children may still write. */
async function sweep(cacheDir: string): Promise<void> {
  const left = (await readdir(cacheDir)).filter((name) => name.startsWith(BUILDING));
  await Promise.all(left.map((name) => rm(join(cacheDir, name), { recursive: true, force: true }).catch(() => {})));
}

async function installSpark(ground: Ground): Promise<void> {
  const { unpacked, withPip, cacheDir, versions, progress } = ground;
  const archive = await fetchSpark(withPip, ground);
  const step = progress.step("Unpacking Spark");
  await unpackSpark(archive.path, unpacked, withPip, ground);
  await publish(unpacked, installFolder(cacheDir, versions.spark));
  if (archive.isOurs) await rm(archive.path, { force: true });
  step.done();
}

async function makeEnvironment(importPaths: readonly string[], ground: Ground): Promise<void> {
  const { environment, python, progress } = ground;
  const step = progress.step("Installing Python packages");
  if (python.hasPip) await createEnvironment(python, environment, ground);
  await furnishEnvironment(environment, { ...ground, importPaths });
  step.done();
}

/** Waits until every step has ended, also after a failure, and then throws the first one. */
async function settleAll(steps: readonly Promise<void>[], stop: AbortController): Promise<void> {
  let first: { error: unknown } | undefined;
  const watched = steps.map((step) =>
    step.catch((error: unknown) => {
      first ??= { error };
      stop.abort();
    }),
  );
  await Promise.all(watched);
  if (first !== undefined) throw first.error;
}

/** Puts a finished folder in its place; what stood there was found broken. */
async function publish(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

async function environmentFolder(home: string, options: SparkOptions): Promise<string> {
  const requirements = await readFile(options.requirementsFile ?? REQUIREMENTS, "utf8");
  return join(options.cacheDir, nameEnvironment(home, requirements));
}
