// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFlinkClassPath } from "../cli/src/serving/flink/library.ts";
import { askRedis } from "../cli/src/serving/redis-probe.ts";
import { type QueueOptions, type QueueParts, startQueue } from "../cli/src/serving/start-queue.ts";
import { makeWeights, writeMlp } from "../packages/inference/src/testing/models.ts";
import { initKeys, type Keys } from "../packages/pki/src/index.ts";
import { inspectQueue, nameKeys, type QueueState } from "../packages/queue/src/index.ts";
import { openDurable } from "../services/serving-gateway/src/durable/index.ts";
import { median } from "./measure.ts";

export const FLINK_ROUNDS = 3;
/** Records that wait before an engine comes. */
const RECORDS = Number(process.env.BULWARK_RECORDS ?? 100_000);
const AT_ONCE = 2_000;
const LOOK_MS = 50;
const LIMIT_MS = 600_000;
const COLUMNS = 784;

type Engine = { name: string; engine: Pick<QueueOptions, "engines" | "flink">; killed?: string };
type Drain = { seconds: number; rate: number };

/**
 * A queue that was filled before the engine came is emptied: sealed records of a perceptron 784-256-10, TLS, append-only
 * file, results kept. Rates count from the first record that is ended; the catch-up from the kill of the task manager,
 * with the queue still full. The peer is the embedded engine, one process of it.
 */
export async function benchServingFlink(rounds: number, say: (line: string) => void): Promise<string[]> {
  const classPath = await findFlinkClassPath();
  const flink = (parallelism: number) => ({ engines: 0, flink: { java: "java", classPath, parallelism } });
  const sides: readonly Engine[] = [
    { name: "embedded", engine: { engines: 1 } },
    { name: "flink-1", engine: flink(1) },
    { name: "flink-2", engine: flink(2) },
    { name: "flink-killed", engine: flink(1), killed: "flink-taskmanager-1" },
  ];
  const drains = new Map<string, Drain[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const side of sides) {
      const drain = await drainOnce(side);
      say(
        `round ${round} of ${rounds}: ${side.name} ${drain.rate.toFixed(0)} records/s, ${drain.seconds.toFixed(1)} s`,
      );
      drains.set(side.name, [...(drains.get(side.name) ?? []), drain]);
    }
  }
  const middle = (name: string, key: keyof Drain): number =>
    median((drains.get(name) ?? []).map((drain) => drain[key]));
  const line = (name: string, unit: string, ours: number, peer: number, peerName: string): string =>
    `serving-flink-${name} ratio=${(ours / peer).toFixed(2)} ours=${ours.toFixed(1)} peer=${peer.toFixed(1)} unit=${unit} peer-name=${peerName} runs=${rounds}`;
  const embedded = middle("embedded", "rate");
  return [
    line("1", "records/s", middle("flink-1", "rate"), embedded, "embedded"),
    line("2", "records/s", middle("flink-2", "rate"), embedded, "embedded"),
    line("catch-up", "s", middle("flink-killed", "seconds"), middle("flink-1", "seconds"), "flink-1-unharmed"),
  ];
}

/** Fills a queue, lets an engine empty it, removes all of it. */
async function drainOnce({ engine, killed }: Engine): Promise<Drain> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const keys = await initKeys(join(folder, "keys"), { now: new Date(), keyNames: ["serving-records"] });
  await mkdir(join(folder, "models", "mlp", "1"), { recursive: true });
  await writeFile(join(folder, "models", "mlp", "1", "model.onnx"), writeMlp([COLUMNS, 256, 10]));
  await fill(await open(folder, keys, { engines: 0 }));
  const queue = await open(folder, keys, engine);
  try {
    return await drain(queue, killed);
  } finally {
    await queue.stop();
    remove();
    process.off("exit", remove);
  }
}

function open(folder: string, keys: Keys, engine: Engine["engine"]): Promise<QueueParts> {
  return startQueue({
    ...{ folder: join(folder, "serving"), keys, job: "serving_stream", recordKey: "serving-records", ...engine },
    ...{ redisPort: 0, redisMostBytes: 2 ** 32, fsync: "everysec", env: process.env, onEnd: () => {} },
    models: { models: join(folder, "models") },
  });
}

async function fill(queue: QueueParts): Promise<void> {
  const limits = { mostRecords: 2 * RECORDS, mostBytes: 2 ** 32, budgetMs: 3_600_000 };
  const gateway = await openDurable({ ...queue.durable, ...limits });
  const row = { name: "x", datatype: "FP32", shape: [1, COLUMNS], data: makeWeights(COLUMNS, 7) } as const;
  for (let sent = 0; sent < RECORDS; sent += AT_ONCE) {
    const count = Math.min(AT_ONCE, RECORDS - sent);
    await Promise.all(Array.from({ length: count }, () => gateway.submit("mlp", undefined, [row])));
  }
  await gateway.close();
  await queue.stop();
}

async function drain(queue: QueueParts, killed: string | undefined): Promise<Drain> {
  const look = (): Promise<QueueState> =>
    askRedis(queue.record.redis, (link) => inspectQueue(link, nameKeys(queue.record.job)));
  const left = async (): Promise<number> => {
    const { records } = await look();
    return records.high + records.normal + records.low;
  };
  const limit = performance.now() + LIMIT_MS;
  const until = async (holds: (count: number) => boolean): Promise<number> => {
    for (;;) {
      const count = await left();
      if (holds(count)) return count;
      if (performance.now() > limit) throw new Error(`${count} records are left after ${LIMIT_MS} ms`);
      await delay(LOOK_MS);
    }
  };
  const atStart = await until((count) => count < RECORDS);
  const startedAt = performance.now();
  const victim = killed === undefined ? undefined : queue.processes[killed]?.pid();
  if (victim !== undefined) process.kill(victim, "SIGKILL");
  await until((count) => count === 0);
  const seconds = (performance.now() - startedAt) / 1000;
  const { dead, lost } = await look();
  if (dead + lost > 0) throw new Error(`${dead} dead and ${lost} lost records`);
  return { seconds, rate: atStart / seconds };
}
