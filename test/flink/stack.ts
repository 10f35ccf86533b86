// SPDX-License-Identifier: Apache-2.0
// Redis, Flink and models of one test file, as `bulwark serve --engine flink` starts them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { askFlink } from "../../cli/src/serving/flink/ask.ts";
import { findFlinkClassPath } from "../../cli/src/serving/flink/library.ts";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import type { FlinkAddress } from "../../cli/src/serving/stack.ts";
import type { QueueOptions } from "../../cli/src/serving/start-queue.ts";
import { inspectQueue, type Link, nameKeys, type QueueState } from "../../packages/queue/src/index.ts";
import { type Durable, openDurable } from "../../services/serving-gateway/src/durable/index.ts";
import {
  type ModelName,
  type QueueStack,
  skip as queueSkip,
  type StackOptions,
  startQueueStack,
  until,
} from "../serving/stack.ts";

/** How often each part is killed. */
export const KILLS = Number(process.env.BULWARK_KILLS ?? 2);
/** Two JVMs that start on a busy machine. */
const START_MS = 60_000;
const BUILT = join(import.meta.dirname, "..", "..", "jvm", "serving", "target", "bulwark-serving.jar");

/** Why these tests cannot run here, or false. */
export const skip: string | false = existsSync(BUILT)
  ? queueSkip
  : "jvm/serving is not built: node scripts/build-jvm.mjs serving";

/** Enters a record, hands it out and counts that as so many times, in one step: nobody else can have it. */
const GHOST = `
local id = redis.call('XADD', KEYS[1], '*', 'data', 'none', unpack(ARGV, 2))
redis.call('XREADGROUP', 'GROUP', 'serving', 'ghost', 'STREAMS', KEYS[1], '>')
return redis.call('XCLAIM', KEYS[1], 'serving', 'ghost', 0, id, 'RETRYCOUNT', ARGV[1], 'JUSTID')`;

export type FlinkStack = QueueStack & {
  gateway: Durable;
  flink: FlinkAddress;
  launch: NonNullable<QueueOptions["flink"]>;
  look(): Promise<QueueState>;
};

/** Starts all of it; resolves when every subtask takes records. */
export async function startFlinkStack(
  names: readonly ModelName[],
  { parallelism = 1, ...options }: StackOptions & { parallelism?: number } = {},
): Promise<FlinkStack> {
  const launch = { java: "java", classPath: await findFlinkClassPath(), parallelism };
  const stack = await startQueueStack(names, { engines: 0, flink: launch, ...options });
  const { queue } = stack;
  let gateway: Durable | undefined;
  const look = (): Promise<QueueState> =>
    askRedis(queue.record.redis, (link) => inspectQueue(link, nameKeys(queue.record.job)));
  const stop = async (): Promise<void> => {
    await gateway?.close();
    await stack.stop();
  };
  try {
    await until(async () => countFlink(await look()) >= parallelism, START_MS);
    gateway = await openDurable({ ...queue.durable, mostRecords: 200_000, mostBytes: 2 ** 30, budgetMs: 60_000 });
    return { ...stack, stop, gateway, flink: queue.record.flink as FlinkAddress, launch, look };
  } catch (cause) {
    const logs = [queue.record.flink?.jobManagerLog ?? "", ...queue.record.engineLogs];
    const ends = logs.map((log) => readFileSync(log, "utf8").slice(-8_000));
    await stop();
    throw new Error(`Flink did not come up: ${ends.join("\n")}`, { cause });
  }
}

/** Subtasks of Flink that are alive, as the queue knows them. */
export const countFlink = ({ engines }: QueueState): number =>
  engines.filter((name) => name.startsWith("flink-")).length;

/** Asks Redis with an engine's rights. */
export function askAsEngine<Value>({ folder }: FlinkStack, ask: (link: Link) => Promise<Value>): Promise<Value> {
  const { redis } = JSON.parse(readFileSync(join(folder, "serving", "flink", "serving.json"), "utf8"));
  return askRedis(redis, ask);
}

/** Enters a record that `ghost`, an engine nobody hears of, was given: nine times, and without a deadline, unless said. */
export async function giveToGhost(
  link: Link,
  job: string,
  uri: string,
  { deliveries = 9, budgetMs }: { deliveries?: number; budgetMs?: number } = {},
): Promise<void> {
  const budget = budgetMs === undefined ? [] : ["budget", budgetMs];
  await link.send("EVAL", GHOST, 1, job, deliveries, "uri", uri, ...budget);
}

/** Metrics of the job, each summed over its subtasks. Those that Flink has not heard of yet are absent. */
export async function sumMetrics(flink: FlinkAddress, names: readonly string[]): Promise<Record<string, number>> {
  const job = `/jobs/${await findJob(flink)}`;
  const { vertices } = await askFlink(flink, job, 5_000);
  // One chain is one vertex.
  const [vertex] = vertices as { id: string }[];
  const path = `${job}/vertices/${vertex?.id}/subtasks/metrics?agg=sum&get=${names.join(",")}`;
  const sums: unknown = await askFlink(flink, path, 5_000);
  return Object.fromEntries((sums as { id: string; sum: number }[]).map(({ id, sum }) => [id, sum]));
}

/** The id of the job that runs, once it does. */
export async function findJob(flink: FlinkAddress): Promise<string> {
  let id: string | undefined;
  await until(async () => {
    const answer = await askFlink(flink, "/jobs", 5_000).catch(() => ({ jobs: [] }));
    id = (answer.jobs as { id: string; status: string }[]).find(({ status }) => status === "RUNNING")?.id;
    return id !== undefined;
  }, START_MS);
  return id ?? "";
}
