// SPDX-License-Identifier: Apache-2.0
// Each part is killed again and again while callers ask: no record may be lost, no answer may be another caller's.
// `npm run kills` does it 20 times each. BULWARK_KILLS sets the number, BULWARK_SEED repeats a run's choices.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { inspectQueue, nameKeys, type QueueState } from "../../packages/queue/src/index.ts";
import { createRandom } from "../e2e/random.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { askAndWait, askWhile, type LoadCounts, makeRow, submitAndFetch } from "./load.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";
import { DEATHS, mortalWorkers } from "./worker-killer.ts";

const KILLS = Number(process.env.BULWARK_KILLS ?? 3);
const SEED = Number(process.env.BULWARK_SEED ?? randomInt(2 ** 31));
const CALLERS = 16;
/** Redis reads all of its append-only file first; workers that die often are replaced after up to ten seconds. */
const BACK_MS = 60_000;

const DEADLINE_MS = 500;

/** Fewest answers between two kills, and how many more by lot. */
const ANSWERS = { fewest: 50, more: 200 };

describe(`killed under load, ${KILLS} times each`, { skip }, () => {
  let stack: QueueStack;
  let gateway: TestGateway;
  const random = createRandom(SEED);
  const choose = (count: number): number => Math.floor(random() * count);
  const folder = mkdtempSync(join(tmpdir(), "bulwark-order-"));
  const order = join(folder, "order");
  before(async () => {
    stack = await startQueueStack(["echo", "lookup"], { engines: 2, env: mortalWorkers(order) });
    gateway = await startTestGateway(stack);
    await until(() => gateway.client.isReady("echo").catch(() => false));
  });
  after(async () => {
    await gateway?.stop();
    await stack?.stop();
    rmSync(folder, { recursive: true });
  });

  const look = (): Promise<QueueState> =>
    askRedis(stack.queue.record.redis, (link) => inspectQueue(link, nameKeys(stack.queue.record.job)));
  const findPart = (name: string) => stack.queue.processes[name] ?? assert.fail(name);
  const findRedis = async (): Promise<number> => {
    const info = await askRedis(stack.queue.record.redis, (link) => link.send("INFO"));
    return Number(/process_id:(\d+)/.exec(String(info))?.[1]);
  };
  const killPart = async (name: string, pid: number | undefined): Promise<void> => {
    const part = findPart(name);
    const restarts = part.restarts();
    process.kill(pid ?? assert.fail(), "SIGKILL");
    await until(() => part.restarts() > restarts, BACK_MS);
  };

  /** How each part dies once; resolves when a successor was started. */
  const PARTS: Readonly<Record<string, () => Promise<void>>> = {
    async "a worker thread"() {
      writeFileSync(order, DEATHS[choose(DEATHS.length)] ?? "exit");
      await until(() => !existsSync(order), BACK_MS);
    },
    async "an engine process"() {
      const name = `engine-${1 + choose(2)}`;
      await killPart(name, findPart(name).pid());
    },
    "the gateway": () => gateway.kill(),
    "Redis, which comes back from its append-only file": async () => killPart("redis", await findRedis()),
  };

  const answerSome = async (seen: Readonly<LoadCounts>): Promise<void> => {
    const enough = seen.answered + ANSWERS.fewest + choose(ANSWERS.more);
    await until(() => seen.answered >= enough, BACK_MS);
  };

  for (const [part, kill] of Object.entries(PARTS)) {
    it(part, async (context) => {
      const askers = [askAndWait(gateway.client), submitAndFetch(gateway.client)];
      const restarts = ["engine-1", "engine-2"].map((name) => findPart(name).restarts());
      const counts = await askWhile(askers, { callers: CALLERS, limitMs: BACK_MS }, async (seen) => {
        for (let count = 0; count < KILLS; count++) {
          await answerSome(seen);
          await kill();
        }
        await answerSome(seen);
      });
      const { answered, refused, broken, wrong, lost, slowestMs } = counts;
      const figures = `${answered} answered, ${refused} refused with 503, ${broken} connections broken, ${wrong} wrong`;
      const slowest = `slowest ${Math.round(slowestMs)} ms`;
      context.diagnostic(`seed ${SEED}: ${KILLS} kills, ${figures}, ${lost.length} lost, ${slowest}`);
      assert.deepEqual({ wrong, lost }, { wrong: 0, lost: [] });
      // Only who holds the connections may break them.
      if (part !== "the gateway") assert.equal(broken, 0);
      if (part === "a worker thread") {
        assert.deepEqual(
          ["engine-1", "engine-2"].map((name) => findPart(name).restarts()),
          restarts,
          "the engines outlive their workers",
        );
      }
      await until(async () => (await look()).pending === 0);
      const { records, dead, lost: removed, bytes } = await look();
      assert.deepEqual([records, dead, removed, bytes], [{ high: 0, normal: 0, low: 0 }, 0, 0, 0]);
    });
  }

  it("and a record that the model cannot take hurts nobody else", async () => {
    const bad = { name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(99n) } as const;
    const counts = await askWhile(askAndWait(gateway.client), { callers: CALLERS }, async () => {
      for (let count = 0; count < 20; count++) {
        await assert.rejects(gateway.client.infer("lookup", [bad]), { code: "MODEL_FAILED" });
      }
    });
    assert.deepEqual([counts.wrong, counts.lost], [0, []]);
    assert.equal((await look()).dead, 20);
  });

  it("answers 503 within the deadline when no engine is left", async () => {
    for (const name of ["engine-1", "engine-2"]) await findPart(name).stop(15_000);
    // The gateway looks each second.
    await until(async () => !(await gateway.client.isReady("echo")));
    const startedAt = performance.now();
    const { data, ...row } = makeRow(1);
    const inputs = [{ ...row, data: Array.from(data as Float32Array) }];
    const body = { inputs, parameters: { timeout: DEADLINE_MS * 1000 } };
    const asked = gateway.client.ask("/v2/models/echo/infer", { method: "POST", body });
    await assert.rejects(asked, { code: "ENGINE_ABSENT" });
    assert.ok(performance.now() - startedAt < DEADLINE_MS + 1_000);
    assert.match(readFileSync(stack.queue.record.engineLogs[0] ?? "", "utf8"), /"event":"stopped"/);
  });
});
