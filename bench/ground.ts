// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { resolvePaths } from "../cli/src/paths.ts";
import { findJava, type Java } from "../cli/src/runtime/java.ts";
import { findSpark, type SparkRuntime } from "../cli/src/runtime/spark.ts";
import { versions } from "../cli/src/versions.ts";
import { type Timed, time } from "./measure.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const BULWARK = join(ROOT, "bulwark");
export const JAR = join(ROOT, "jvm", "target", "bulwark.jar");

/** What both sides run on: the same Java and the same Spark. */
export type Ground = { java: Java; spark: SparkRuntime; folder: string };

/** Finds what `npm run quickstart` installed, and makes a folder that is removed when the process ends. */
export async function prepareGround(): Promise<Ground> {
  const { env } = process;
  const { cache } = resolvePaths(env, homedir());
  const java = await findJava({ env, ...versions.java });
  const spark = await findSpark({ env, cacheDir: cache });
  if (spark === undefined) throw new Error("Spark is not installed; type: npm run quickstart");
  await time(BULWARK, ["keys", "init", "--if-missing", "--data", "bench"]);
  const folder = await mkdtemp(join(process.env.BENCH_FOLDER ?? tmpdir(), "bulwark-bench-"));
  process.once("beforeExit", () => void rm(folder, { recursive: true, force: true }));
  return { java, spark, folder };
}

/** Spark's own launcher with nothing of ours: the peer. Executors are JVMs of their own, as ours are. */
export function sparkSubmit(ground: Ground, args: readonly string[], until?: RegExp): Promise<Timed> {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    JAVA_HOME: ground.java.home,
    SPARK_HOME: ground.spark.home,
    SPARK_LOCAL_IP: "127.0.0.1",
    SPARK_LOCAL_DIRS: join(ground.folder, "scratch"),
    PYSPARK_PYTHON: ground.spark.python,
  };
  const submit = join(ground.spark.home, "bin", "spark-submit");
  const options = { env, cwd: ground.folder, ...(until === undefined ? {} : { until }) };
  return time(submit, ["--master", "local-cluster[2,1,1024]", ...args], options);
}

/** Seconds that a benchmark program printed of itself as `seconds=1.23`. */
export function readSeconds({ output }: Timed): number {
  const seconds = /seconds=([\d.]+)/.exec(output)?.[1];
  if (seconds === undefined) throw new Error(`no seconds in: ${output.slice(-500)}`);
  return Number(seconds);
}
