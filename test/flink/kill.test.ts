// SPDX-License-Identifier: Apache-2.0
// Flink's processes are killed while callers ask: no record may be lost, no answer may be another caller's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { askWhile, type LoadCounts } from "../serving/load.ts";
import { until } from "../serving/stack.ts";
import { countFlink, type FlinkStack, findJob, KILLS, skip, startFlinkStack } from "./stack.ts";

const CALLERS = 16;
/** Between a kill and the next answer: the JVM starts, the job is deployed, the models are loaded. */
const BACK_MS = 90_000;

describe("Flink killed under load", { skip }, () => {
  let stack: FlinkStack;
  before(async () => {
    stack = await startFlinkStack(["echo", "lookup"]);
  });
  after(() => stack?.stop());

  const killWhileAsked = async (name: string, context: { diagnostic(text: string): void }): Promise<void> => {
    const part = stack.queue.processes[name] ?? assert.fail();
    const counts = await askWhile(stack.gateway, { callers: CALLERS, limitMs: BACK_MS }, async (seen) => {
      for (let kill = 0; kill < KILLS; kill++) {
        await answerSome(seen);
        const restarts = part.restarts();
        process.kill(part.pid() ?? assert.fail(), "SIGKILL");
        await until(() => part.restarts() > restarts, BACK_MS);
        // Without its job manager a subtask goes on for a while: the job must be there anew.
        await findJob(stack.flink);
      }
      await answerSome(seen);
    });
    const { answered, wrong, lost, slowestMs } = counts;
    context.diagnostic(`${KILLS} kills, ${answered} answered, slowest ${Math.round(slowestMs)} ms`);
    assert.deepEqual({ wrong, lost }, { wrong: 0, lost: [] });
    await assertEmpty();
  };

  const answerSome = async (seen: Readonly<LoadCounts>): Promise<void> => {
    const { answered } = seen;
    await until(() => seen.answered > answered + 200, BACK_MS);
  };

  const assertEmpty = async (): Promise<void> => {
    await until(async () => (await stack.look()).pending === 0);
    const { records, dead, lost, bytes } = await stack.look();
    assert.deepEqual([records, dead, lost, bytes], [{ high: 0, normal: 0, low: 0 }, 0, 0, 0]);
  };

  it("a task manager", (context) => killWhileAsked("flink-taskmanager-1", context));

  it("the job manager, which starts the job again", (context) => killWhileAsked("flink-jobmanager", context));

  it("Redis, which comes back from its append-only file", async (context) => {
    const redis = stack.queue.processes.redis ?? assert.fail();
    const counts = await askWhile(stack.gateway, { callers: CALLERS, limitMs: BACK_MS }, async (seen) => {
      for (let kill = 0; kill < KILLS; kill++) {
        await answerSome(seen);
        const restarts = redis.restarts();
        const facts = await askRedis(stack.queue.record.redis, (link) => link.send("INFO"));
        process.kill(Number(/process_id:(\d+)/.exec(String(facts))?.[1]), "SIGKILL");
        await until(() => redis.restarts() > restarts);
      }
      await answerSome(seen);
    });
    context.diagnostic(`${KILLS} kills, ${counts.answered} answered, ${counts.refused} refused with 503`);
    assert.deepEqual([counts.wrong, counts.lost], [0, []]);
    await assertEmpty();
  });

  it("has written nothing of records or secrets into its logs", () => {
    const secrets = [
      stack.keys.storePassword,
      ...stack.keys.keyring.keys.flatMap((key) => key.versions.map((v) => v.key)),
    ];
    const logs = [stack.flink.jobManagerLog, ...stack.flink.taskManagerLogs].map((log) => readFileSync(log, "utf8"));
    for (const secret of secrets) assert.ok(!logs.some((log) => log.includes(secret)));
  });
});

describe("both engines on one stream", { skip }, () => {
  let stack: FlinkStack;
  before(async () => {
    stack = await startFlinkStack(["echo"], { engines: 1 });
  });
  after(() => stack?.stop());

  it("share the load, and each takes over what the other leaves", async (context) => {
    const embedded = stack.queue.processes["engine-1"] ?? assert.fail();
    const taskManager = stack.queue.processes["flink-taskmanager-1"] ?? assert.fail();
    const counts = await askWhile(stack.gateway, { callers: CALLERS, limitMs: BACK_MS }, async (seen) => {
      const { answered } = seen;
      await until(() => seen.answered > answered + 1_000, BACK_MS);
      assert.equal((await stack.look()).engines.length, 2);
      // Without Flink first, then without the other one.
      process.kill(taskManager.pid() ?? assert.fail(), "SIGKILL");
      const { answered: before } = seen;
      await until(() => seen.answered > before + 500, BACK_MS);
      await until(async () => countFlink(await stack.look()) === 1 && taskManager.restarts() === 1, BACK_MS);
      await embedded.stop(15_000);
      const { answered: alone } = seen;
      await until(() => seen.answered > alone + 500, BACK_MS);
    });
    const ended = /"event":"stopped","answered":(\d+)/.exec(stack.readLogs())?.[1];
    context.diagnostic(`${counts.answered} answered, ${ended} of them by the embedded engine`);
    assert.deepEqual([counts.wrong, counts.lost], [0, []]);
    assert.ok(Number(ended) > 0 && Number(ended) < counts.answered);
  });
});
