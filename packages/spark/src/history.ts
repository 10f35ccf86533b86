// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sparkJavaOptions } from "./java-options.ts";
import { loggingConfiguration } from "./logging.ts";
import type { PlannedFile, ProcessPlan } from "./plan.ts";
import { CREDENTIALS } from "./profiles.ts";
import { formatProperties } from "./properties-file.ts";

export type HistoryInput = {
  /** A folder of its own, 0700, removed afterwards. */
  folder: string;
  eventLog: string;
  java: { executable: string; major: number };
  sparkHome: string;
  classPath: readonly string[];
  keyStore: string;
  storePassword: string;
  uiToken: string;
};

const HEAP = "512m";

/** Plans Spark's history server over one event log: loopback, TLS, behind a token. Pure. */
export function planHistoryServer(input: HistoryInput): { files: PlannedFile[]; process: ProcessPlan } {
  const { folder } = input;
  const properties = {
    ...CREDENTIALS,
    "spark.history.fs.logDirectory": `file:${input.eventLog}`,
    "spark.history.ui.port": "0",
    "spark.history.store.path": join(folder, "store"),
    "spark.ui.filters": "bulwark.ui.UiGate",
    "spark.ssl.historyServer.enabled": "true",
    "spark.ssl.historyServer.port": "0",
    "spark.ssl.historyServer.protocol": "TLSv1.3",
    "spark.ssl.historyServer.keyStore": input.keyStore,
    "spark.ssl.historyServer.keyStoreType": "PKCS12",
  };
  const secrets = {
    "bulwark.ui.token": input.uiToken,
    "spark.ssl.historyServer.keyStorePassword": input.storePassword,
    "spark.ssl.historyServer.keyPassword": input.storePassword,
  };
  const file = (name: string, content: string): PlannedFile => ({ path: join(folder, name), mode: 0o600, content });
  return {
    files: [
      file("spark.properties", formatProperties(properties)),
      file("secrets.properties", formatProperties(secrets)),
      file("log4j2.properties", loggingConfiguration(join(folder, "history.log"))),
    ],
    process: {
      executable: input.java.executable,
      args: [
        ...sparkJavaOptions(input.java.major),
        `-Xmx${HEAP}`,
        `-Dlog4j2.configurationFile=${pathToFileURL(join(folder, "log4j2.properties"))}`,
        "-cp",
        input.classPath.join(":"),
        "bulwark.launch.HistoryMain",
        join(folder, "secrets.properties"),
        "--properties-file",
        join(folder, "spark.properties"),
      ],
      env: {
        PATH: "/usr/bin:/bin",
        // Without it Java cannot name a file whose path is not plain ASCII.
        LC_ALL: "C.UTF-8",
        SPARK_HOME: input.sparkHome,
        SPARK_CONF_DIR: folder,
        SPARK_LOCAL_IP: "127.0.0.1",
        SPARK_PUBLIC_DNS: "127.0.0.1",
      },
      cwd: folder,
    },
  };
}
