// SPDX-License-Identifier: Apache-2.0
// What speaks S3 on both ends: Hadoop's connector with the SDK it needs, and a server. Made once, outside the checkout.
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../../scripts/run-program.ts";
import { REPOSITORY } from "../../e2e/harness.ts";
import { CLUSTER_CACHE } from "./folders.ts";

/** The connector of the Hadoop that Spark brings, and what its POM names: 690 MB. */
const JARS = [
  "org.apache.hadoop:hadoop-aws:3.5.0",
  "software.amazon.awssdk:bundle:2.35.4",
  "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
];
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy";
const SERVER = "moto[server]==5.2.5";

export type S3 = {
  /** A folder with the jars, and their names. */
  folder: string;
  jars: readonly string[];
  /** Program of the server: `-H HOST -p PORT`. */
  server: string;
};

const FOLDER = join(CLUSTER_CACHE, "s3-hadoop-3.5.0-moto-5.2.5");
/** An environment knows its own place, so it stands where it is made. */
const ENVIRONMENT = `${FOLDER}-python`;

/** What was prepared, if it was: the network of a node has no way out. */
export const findS3 = (): S3 | undefined =>
  existsSync(FOLDER)
    ? {
        folder: FOLDER,
        jars: JARS.map((jar) => `${jar.split(":").slice(1).join("-")}.jar`),
        server: join(ENVIRONMENT, "bin", "moto_server"),
      }
    : undefined;

/** Fetches both ends, unless they are there. */
export async function prepareS3(say: (line: string) => void): Promise<void> {
  if (findS3() !== undefined) return;
  say("Fetching a connector and a server for S3 (700 MB) ...");
  const fresh = `${FOLDER}.${process.pid}`;
  try {
    for (const jar of JARS) {
      const args = ["-q", COPY, `-Dartifact=${jar}`, `-DoutputDirectory=${fresh}`];
      await runProgram(join(REPOSITORY, "jvm", "mvnw"), args, { cwd: join(REPOSITORY, "jvm") });
    }
    await runProgram("python3", ["-m", "venv", "--clear", ENVIRONMENT]);
    await runProgram(join(ENVIRONMENT, "bin", "python"), ["-m", "pip", "install", "--quiet", SERVER]);
    await rename(fresh, FOLDER);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
