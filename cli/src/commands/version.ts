// SPDX-License-Identifier: Apache-2.0
import manifest from "../../package.json" with { type: "json" };
import type { CommandSpec } from "../command.ts";
import { alignCells } from "../output/print.ts";
import { versions } from "../versions.ts";

/** `bulwark version`: this tool, and what it is pinned to. */
export const spec: CommandSpec = {
  examples: ["bulwark version", "bulwark version -o json"],
  configure() {},
  async execute() {
    const { java, python, spark, flink, maven } = versions;
    const value = {
      apiVersion: "bulwark/v1",
      cli: manifest.version,
      node: process.versions.node,
      spark: spark.version,
      flink,
      java,
      python,
      maven: maven.version,
    };
    const text = alignCells([
      ["bulwark", value.cli],
      ["node", value.node],
      ["spark", value.spark],
      ["flink", value.flink],
      ["java", `${java.minimum} to ${java.maximum}`],
      ["python", `${python.minimum} to ${python.maximum}`],
    ]);
    return { value, text };
  },
};
