// SPDX-License-Identifier: Apache-2.0
// Redis, engines and models of one test file, as `bulwark serve` starts them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findRedisProgram } from "../../cli/src/serving/redis-server.ts";
import { type QueueOptions, type QueueParts, startQueue } from "../../cli/src/serving/start-queue.ts";
import {
  makeWeights,
  writeIdentity,
  writeLookup,
  writeMlp,
  writeNumbers,
  writeSlow,
} from "../../packages/inference/src/testing/models.ts";
import { initKeys, type Keys } from "../../packages/pki/src/index.ts";

export { makeWeights };

/** Why these tests cannot run here, or false. */
export const skip: string | false =
  findRedisProgram(process.env) === undefined ? "no redis-server here: apt-get install redis-server" : false;

const MODELS = {
  mlp: writeMlp([784, 256, 10]),
  echo: writeIdentity("FP32", "n", "m"),
  picture: writeIdentity("FP32", "n", 3, "h", "w"),
  lookup: writeLookup(),
  numbers: writeNumbers(),
  slow: writeSlow(),
} as const;
export type ModelName = keyof typeof MODELS;

/** Models beside those named, by their paths in the folder of models. */
export type MakeModels = (keys: Keys) => Readonly<Record<string, Buffer>>;

export type StackOptions = Partial<QueueOptions> & {
  makeMore?: MakeModels;
  minIdleMs?: number;
  /** Further settings of the engines. */
  engineSettings?: object;
};

export type QueueStack = {
  folder: string;
  keys: Keys;
  queue: QueueParts;
  /** What the engines have logged so far. */
  readLogs(): string;
  stop(): Promise<void>;
};

/** Writes models, makes keys, starts Redis and engines; resolves when every engine is ready. */
export async function startQueueStack(
  names: readonly ModelName[],
  { engines = 1, minIdleMs = 2_000, makeMore, engineSettings = {}, ...options }: StackOptions = {},
): Promise<QueueStack> {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-serving-"));
  for (const name of names) {
    const version = join(folder, "models", name, "1");
    mkdirSync(version, { recursive: true });
    writeFileSync(join(version, "model.onnx"), MODELS[name]);
  }
  const keys = await initKeys(join(folder, "keys"), { now: new Date(), keyNames: ["serving-records"] });
  for (const [path, content] of Object.entries(makeMore?.(keys) ?? {})) {
    mkdirSync(dirname(join(folder, "models", path)), { recursive: true });
    writeFileSync(join(folder, "models", path), content);
  }
  const queue = await startQueue({
    ...{ folder: join(folder, "serving"), keys, job: "serving_stream", recordKey: "serving-records", engines },
    ...{ redisPort: 0, redisMostBytes: 2 ** 30, fsync: "everysec", env: process.env, onEnd: () => {} },
    models: { models: join(folder, "models"), minIdleMs, ...engineSettings },
    ...options,
  });
  const readLogs = (): string => queue.record.engineLogs.map((log) => readFileSync(log, "utf8")).join("");
  const stack: QueueStack = {
    ...{ folder, keys, queue, readLogs },
    async stop() {
      await queue.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(() => readLogs().split('"event":"ready"').length - 1 >= engines, 30_000);
  } catch (cause) {
    const logs = readLogs();
    await stack.stop();
    throw new Error(`the engines did not come up: ${logs}`, { cause });
  }
  return stack;
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (const limit = performance.now() + limitMs; !(await holds()); await delay(20)) {
    if (performance.now() > limit) throw new Error(`not within ${limitMs} ms: ${holds}`);
  }
}
