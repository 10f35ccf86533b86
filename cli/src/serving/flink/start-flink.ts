// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { issueChannel, type Keys } from "@bulwark/pki";
import { writeFileWhole } from "../../runs/files.ts";
import { findFreePort } from "../free-port.ts";
import { keepRunning, type Part, type RunningPart } from "../keep-running.ts";
import type { FlinkAddress } from "../stack.ts";
import { FLINK_PROCESSES, type FlinkProcess, renderFlinkConfiguration } from "./configuration.ts";

/** What Flink's side of `bulwark serve` is started with. */
export type FlinkOptions = {
  /** Folder of its settings and logs; it is made. */
  folder: string;
  keys: Keys;
  /** The Java that runs it, and what it runs. */
  java: string;
  classPath: string;
  /** Task managers, each with one subtask. */
  parallelism: number;
  /** What the job is told: queue, its name there, keyring and models, as the embedded engine is. */
  engine: Readonly<Record<string, unknown>>;
  env: Readonly<Record<string, string | undefined>>;
  onEnd: (part: string, how: string) => void;
};

export type OwnFlink = {
  address: FlinkAddress;
  processes: Readonly<Record<string, RunningPart>>;
  /** The task managers leave the queue, then the job manager ends. */
  stop(): Promise<void>;
};

/** Longer than any stack lives; at each start there is another one. */
const CHANNEL_DAYS = 3650;
const PASSWORD_BYTES = 32;
const GRACE_MS = 15_000;
const TEMPORARY = "tmp";

/**
 * Starts Flink with the serving job on loopback: a job manager that is the job's own, and a task manager for each
 * subtask. All are started again when they die, and die with us. Whether they work, `askFlink` tells.
 */
export async function startFlink(options: FlinkOptions): Promise<OwnFlink> {
  const { folder, keys, java, classPath, parallelism, env } = options;
  const temporaryFolder = join(folder, TEMPORARY);
  await rm(temporaryFolder, { recursive: true, force: true });
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });
  const restPort = await findFreePort();
  await writeSettings(options, { temporaryFolder, restPort, rpcPort: await findFreePort() });

  const processes: Record<string, RunningPart> = {};
  const start = (name: string, kind: FlinkProcess): string => {
    const part = describeFlinkPart(kind, name, { folder, java, classPath, env });
    processes[name] = keepRunning(part, (how) => options.onEnd(name, how));
    return part.log;
  };
  const jobManagerLog = start("flink-jobmanager", "jobmanager");
  const numbers = Array.from({ length: parallelism }, (_, index) => index + 1);
  const taskManagerLogs = numbers.map((number) => start(`flink-taskmanager-${number}`, "taskmanager"));
  const { certificate, privateKey, caBundle } = keys.files.server;
  return {
    address: {
      ...{ url: `https://127.0.0.1:${restPort}`, parallelism, jobManagerLog, taskManagerLogs },
      ...{ caFile: caBundle, certificateFile: certificate, privateKeyFile: privateKey },
    },
    processes,
    async stop() {
      const { "flink-jobmanager": jobManager, ...taskManagers } = processes;
      await Promise.all(Object.values(taskManagers).map((process) => process.stop(GRACE_MS)));
      await jobManager?.stop(GRACE_MS);
      await rm(temporaryFolder, { recursive: true, force: true });
    },
  };
}

/** One process of Flink, as it is started on this machine. Its settings must be in the folder. */
export function describeFlinkPart(
  kind: FlinkProcess,
  name: string,
  { folder, java, classPath, env }: Pick<FlinkOptions, "folder" | "java" | "classPath" | "env">,
): Part {
  const { main, options } = FLINK_PROCESSES[kind];
  const args = [...options, `-Djava.io.tmpdir=${join(folder, TEMPORARY)}`, "-cp", classPath, main, folder];
  return { name, command: java, args, log: join(folder, `${name}.log`), env };
}

/** Writes Flink's own settings, the job's, and the stores of the channel between Flink's processes. */
async function writeSettings(
  { folder, keys, parallelism, engine }: FlinkOptions,
  place: { temporaryFolder: string; restPort: number; rpcPort: number },
): Promise<void> {
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const channel = await issueChannel({ now: new Date(), days: CHANNEL_DAYS, password });
  const [keyStore, trustStore] = [join(folder, "channel.p12"), join(folder, "channel-trust.p12")];
  await writeFileWhole(keyStore, channel.keyStore);
  await writeFileWhole(trustStore, channel.trustStore);
  const { server } = keys.files;
  const configuration = renderFlinkConfiguration({
    ...{ jobManagerHost: "127.0.0.1", bindHost: "127.0.0.1", ...place },
    internal: { keyStore, trustStore, password },
    rest: { keyStore: server.keyStore, trustStore: server.trustStore, password: keys.storePassword },
  });
  await writeFileWhole(join(folder, "config.yaml"), configuration);
  const settings = { ...engine, parallelism, hasLifeline: true };
  await writeFileWhole(join(folder, "serving.json"), `${JSON.stringify(settings, null, 2)}\n`);
}
