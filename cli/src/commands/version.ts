// SPDX-License-Identifier: Apache-2.0

import manifest from "../../package.json" with { type: "json" };
import type { CommandSpec } from "../command.ts";
import { versions } from "../versions.ts";

/** `bulwark version`: the tool and what it is pinned to. */
export const spec: CommandSpec = {
  examples: ["bulwark version", "bulwark version -o json"],
  configure() {},
  async execute() {
    const { spark, java, python } = versions;
    const value = { bulwark: manifest.version, node: process.versions.node, spark: spark.version, java, python };
    return {
      value,
      text: `bulwark ${value.bulwark} (Spark ${value.spark}, Java ${java.minimum} or newer, Node ${value.node})`,
    };
  },
};
