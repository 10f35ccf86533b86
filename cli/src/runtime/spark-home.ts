// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import type { Versions } from "../versions.ts";

/** A Spark on this machine, without the Python that its Python jobs need. */
export type SparkHome = {
  home: string;
  /** For instance `4.3.0`. */
  version: string;
  /** For instance `2.13`. */
  scalaVersion: string;
  /** Absolute paths, sorted. */
  jars: readonly string[];
  /** What a Python needs in `sys.path` to import this Spark's `pyspark`. */
  pythonPaths: readonly string[];
  origin: "spark-home" | "installed";
};

/** Changes when what is installed, or how, changes. */
const LAYOUT = "1";
const SUPPORTED_MAJOR = "4";
/** Written last: the number and total size of the jars, since a power cut can leave a renamed folder with empty files. */
export const RECEIPT = "receipt.json";

/** Where the pinned Spark is, or goes, in the cache. */
export function installFolder(cacheDir: string, spark: Versions["spark"]): string {
  const hash = createHash("sha256").update(`${LAYOUT} ${spark.sha256}`).digest("hex").slice(0, 10);
  return join(cacheDir, `spark-${spark.version}-${hash}`);
}

/**
 * Reads the Spark the user points to.
 *
 * @throws SPARK_HOME_BROKEN when there is none or it is not of a supported version
 */
export async function readSparkHome(sparkHome: string): Promise<SparkHome> {
  const found = await describeHome(sparkHome, "spark-home");
  const mend = `Point SPARK_HOME to a Spark ${SUPPORTED_MAJOR} installation, or unset it: Bulwark installs its own.`;
  if (found === undefined) {
    throw new BulwarkError("SPARK_HOME_BROKEN", `SPARK_HOME is ${sparkHome}; no Spark is there.`, mend);
  }
  if (found.version.split(".")[0] === SUPPORTED_MAJOR) return found;
  const message = `SPARK_HOME is ${sparkHome}, Spark ${found.version}; only Spark ${SUPPORTED_MAJOR} is supported.`;
  throw new BulwarkError("SPARK_HOME_BROKEN", message, mend);
}

/** Reads the installed Spark; undefined where there is none, or where it is not as it was left. */
export async function readInstalledHome(folder: string): Promise<SparkHome | undefined> {
  const receipt = await readFile(join(folder, RECEIPT), "utf8").catch(() => undefined);
  const found = await describeHome(join(folder, "pyspark"), "installed");
  return found !== undefined && receipt === (await writeReceipt(found)) ? found : undefined;
}

/** The receipt of a Spark: what tells later that all of it is still there. */
export async function writeReceipt(spark: SparkHome): Promise<string> {
  const sizes = await Promise.all(spark.jars.map(async (jar) => (await stat(jar)).size));
  return `${JSON.stringify({ jars: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) })}\n`;
}

/** Reads a folder as a Spark home; undefined where the jars are not there. */
export async function describeHome(path: string, origin: SparkHome["origin"]): Promise<SparkHome | undefined> {
  const home = await realpath(path).catch(() => undefined);
  if (home === undefined) return undefined;
  const names = (await readdir(join(home, "jars")).catch((): string[] => [])).toSorted();
  const core = names.map((name) => /^spark-core_([\d.]+)-(\d+\.\d+\.\d+.*)\.jar$/.exec(name)).find((match) => match);
  if (!core?.[1] || !core[2]) return undefined;
  const jars = names.filter((name) => name.endsWith(".jar")).map((name) => join(home, "jars", name));
  return { home, version: core[2], scalaVersion: core[1], jars, pythonPaths: await findPythonPaths(home), origin };
}

/** A home made by pip is the package `pyspark` itself; one from a binary distribution has it in `python/`. */
async function findPythonPaths(home: string): Promise<string[]> {
  if (basename(home) === "pyspark" && (await exists(join(home, "__init__.py")))) return [dirname(home)];
  return (await exists(join(home, "python/pyspark/__init__.py"))) ? [join(home, "python")] : [];
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
