// SPDX-License-Identifier: Apache-2.0
import type { Context } from "../command.ts";
import { versions } from "../versions.ts";
import type { JavaOptions } from "./java.ts";
import type { SparkOptions } from "./spark.ts";

/** Which Java the user's settings and the pins allow. */
export function javaOptions({ env, settings: { javaHome } }: Context): JavaOptions {
  return { env, ...versions.java, ...(javaHome === undefined ? {} : { javaHome }) };
}

/** Where the user's settings say that Spark is, or is to be installed. */
export function sparkOptions({ env, paths, settings: { sparkHome } }: Context): SparkOptions {
  return { env, cacheDir: paths.cache, ...(sparkHome === undefined ? {} : { sparkHome }) };
}
