// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { versions } from "./versions.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("what other tools read from files of their own is what is pinned", () => {
  const { optionalDependencies } = JSON.parse(read("package.json"));
  for (const version of Object.values(optionalDependencies)) assert.equal(version, versions.node);
  assert.match(read("jvm/.mvn/wrapper/maven-wrapper.properties"), new RegExp(`-${versions.maven.version}-bin\\.zip`));
  assert.match(read("jvm/.mvn/wrapper/maven-wrapper.properties"), /^distributionSha256Sum=[0-9a-f]{64}$/m);
  assert.ok(read("jvm/serving/pom.xml").includes(`<flink.version>${versions.flink}</flink.version>`));
  assert.equal(versions.spark.file, `pyspark-${versions.spark.version}.tar.gz`);
});
