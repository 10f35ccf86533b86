// SPDX-License-Identifier: Apache-2.0
import type { SparkHome } from "./spark-home.ts";

/**
 * The class path of every process of a job: our jar first, then all of Spark's, sorted, so that it is the same each time.
 * Nothing is left out: without the Kubernetes, YARN and Connect jars no start was measurably quicker.
 */
export function sparkClassPath(spark: Pick<SparkHome, "jars">, bulwarkJar: string): string[] {
  return [bulwarkJar, ...spark.jars.toSorted()];
}
