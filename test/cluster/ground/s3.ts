// SPDX-License-Identifier: Apache-2.0
// What speaks S3 on both ends: Hadoop's connector with the SDK it needs, and a server. Made once, outside the checkout.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../../scripts/run-program.ts";
import { REPOSITORY } from "../../e2e/harness.ts";
import { CLUSTER_CACHE } from "./folders.ts";

/** The connector of the Hadoop that Spark brings, and the SDK that its POM names: 690 MB. */
const JARS = ["org.apache.hadoop:hadoop-aws:3.5.0", "software.amazon.awssdk:bundle:2.35.4"];
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy";
const SERVER = "moto[server]==5.2.5";

export type S3 = {
  /** A folder with the jars, and their names. */
  folder: string;
  jars: readonly string[];
  /** Program of the server: `-H HOST -p PORT`. */
  server: string;
};

export async function prepareS3(): Promise<S3> {
  const folder = join(CLUSTER_CACHE, "s3-hadoop-3.5.0-moto-5.2.5");
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`;
    await mkdir(fresh, { recursive: true });
    try {
      for (const jar of JARS) {
        const args = ["-q", COPY, `-Dartifact=${jar}`, `-DoutputDirectory=${fresh}`];
        await runProgram(join(REPOSITORY, "jvm", "mvnw"), args, { cwd: join(REPOSITORY, "jvm") });
      }
      // An environment knows its own place, so it stands where it is made.
      const environment = `${folder}-python`;
      await runProgram("python3", ["-m", "venv", "--clear", environment]);
      await runProgram(join(environment, "bin", "python"), ["-m", "pip", "install", "--quiet", SERVER]);
      await rename(fresh, folder);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  const jars = JARS.map((jar) => `${jar.split(":").slice(1).join("-")}.jar`);
  return { folder, jars, server: join(`${folder}-python`, "bin", "moto_server") };
}
