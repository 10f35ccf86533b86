// SPDX-License-Identifier: Apache-2.0
// Flink ends in order while callers ask: what it held is computed by whoever is left, and not only when it counts as abandoned.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askFlink } from "../../cli/src/serving/flink/ask.ts";
import { describeFlinkPart } from "../../cli/src/serving/flink/start-flink.ts";
import { keepRunning, type RunningPart } from "../../cli/src/serving/keep-running.ts";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { createWork, listDeadLetters, nameKeys } from "../../packages/queue/src/index.ts";
import { askWhile, makeRow } from "../serving/load.ts";
import { until } from "../serving/stack.ts";
import { askAsEngine, countFlink, type FlinkStack, findJob, giveToGhost, skip, startFlinkStack } from "./stack.ts";

/** So many that Flink always holds some. */
const CALLERS = 128;
const MIN_IDLE_MS = 120_000;
/** Neither a record that was left nor a sweep that is not told to look comes in this time. */
const SOON_MS = MIN_IDLE_MS / 4;
const START_MS = 90_000;
const GRACE_MS = 15_000;

const ENDS: Readonly<Record<string, (stack: FlinkStack) => Promise<unknown>>> = {
  "a job that is cancelled": async ({ flink }) =>
    askFlink(flink, `/jobs/${await findJob(flink)}`, GRACE_MS, { method: "PATCH", body: {} }),
  "a task manager that is stopped": async ({ queue }) => queue.processes["flink-taskmanager-1"]?.stop(GRACE_MS),
};

describe("what is given back", { skip }, () => {
  let stack: FlinkStack;
  let second: RunningPart | undefined;
  before(async () => {
    stack = await startFlinkStack(["echo"], { engines: 1, minIdleMs: MIN_IDLE_MS });
  });
  after(async () => {
    await second?.stop(GRACE_MS);
    await stack?.stop();
  });

  const names = () => nameKeys(stack.queue.record.job);

  const countLeft = async (): Promise<number> =>
    Number(await askRedis(stack.queue.record.redis, (link) => link.send("GET", names().left)));

  for (const [what, end] of Object.entries(ENDS)) {
    it(`by ${what} is computed by the embedded engine beside it, soon`, async (context) => {
      await until(async () => countFlink(await stack.look()) === 1, START_MS);
      const before = await countLeft();
      const counts = await askWhile(stack.gateway, { callers: CALLERS, limitMs: SOON_MS }, async (seen) => {
        await until(() => seen.answered > 1_000, SOON_MS);
        await end(stack);
        const { answered } = seen;
        await until(() => seen.answered > answered + 1_000, SOON_MS);
        await until(async () => (await countLeft()) > before, SOON_MS);
      });
      const { answered, wrong, lost, slowestMs } = counts;
      context.diagnostic(`${answered} answered, slowest ${Math.round(slowestMs)} ms`);
      assert.deepEqual({ wrong, lost }, { wrong: 0, lost: [] });
      await until(async () => (await stack.look()).pending === 0);
      const { records, dead, bytes } = await stack.look();
      assert.deepEqual([records, dead, bytes], [{ high: 0, normal: 0, low: 0 }, 0, 0]);
    });
  }

  it("by another engine is computed by Flink, soon, and counted", async () => {
    const folder = join(stack.folder, "serving", "flink");
    const part = describeFlinkPart("taskmanager", "flink-taskmanager-2", {
      ...stack.launch,
      folder,
      env: process.env,
    });
    second = keepRunning(part, () => {});
    await until(async () => countFlink(await stack.look()) === 1, START_MS);
    await stack.queue.processes["engine-1"]?.stop(GRACE_MS);
    // Who answers has looked for abandoned records already, and does not look again by itself for half of `MIN_IDLE_MS`.
    await stack.gateway.infer("echo", undefined, [makeRow(1)], { deadline: Date.now() + SOON_MS });
    await askAsEngine(stack, async (link) => {
      await giveToGhost(link, names().job, "left");
      const settings = { consumer: "ghost", minIdleMs: MIN_IDLE_MS, resultTtlMs: 1, replyTtlMs: 1, mostDead: 1 };
      await createWork({ reader: link, commands: link, now: Date.now }, names(), settings).leave();
    });
    await until(async () => (await stack.look()).pending === 0, SOON_MS);
    const [letter] = await askRedis(stack.queue.record.redis, (link) => listDeadLetters(link, names(), 1));
    assert.deepEqual([letter?.uri, letter?.deliveries], ["left", 10]);
  });
});
