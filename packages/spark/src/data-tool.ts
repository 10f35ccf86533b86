// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sparkJavaOptions } from "./java-options.ts";
import { loggingConfiguration } from "./logging.ts";
import type { PlannedFile, ProcessPlan } from "./plan.ts";

export type DataToolInput = {
  /** A folder of its own, 0700, removed afterwards. */
  folder: string;
  id: string;
  java: { executable: string; major: number };
  sparkHome: string;
  classPath: readonly string[];
  /** Master keys as the JVM reads them. */
  keyring: string;
  args: readonly string[];
};

const HEAP = "512m";

/** Plans one JVM that looks at encrypted data or re-wraps its keys; it touches no rows, so it needs no executors. Pure. */
export function planDataTool(input: DataToolInput): { files: PlannedFile[]; process: ProcessPlan; events: string } {
  const { folder } = input;
  const keyring = join(folder, "keyring.json");
  const logging = join(folder, "log4j2.properties");
  const events = join(folder, "events.jsonl");
  return {
    events,
    files: [
      { path: keyring, mode: 0o600, content: input.keyring },
      { path: logging, mode: 0o600, content: loggingConfiguration(join(folder, "driver.log")) },
    ],
    process: {
      executable: input.java.executable,
      args: [
        ...sparkJavaOptions(input.java.major),
        `-Xmx${HEAP}`,
        `-Dlog4j2.configurationFile=${pathToFileURL(logging)}`,
        `-Dbulwark.keyring=${keyring}`,
        `-Dbulwark.events=${events}`,
        "-cp",
        input.classPath.join(":"),
        "bulwark.launch.DataMain",
        ...input.args,
      ],
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", SPARK_HOME: input.sparkHome, BULWARK_RUN: input.id },
      cwd: folder,
    },
  };
}
