// SPDX-License-Identifier: Apache-2.0
// Records and models that do harm, through the queue: their askers get an answer in time, they become dead letters with a
// reason, the engine lives, and whoever asks another model notices nothing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { writeHang, writeHungry, writeSlow } from "../../packages/inference/src/testing/models.ts";
import { type DeadLetter, listDeadLetters, nameKeys } from "../../packages/queue/src/index.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { askAndWait, askWhile, submitAndFetch } from "./load.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const RUN_LIMIT_MS = 1_000;
/** Three records must come together before the first is late. */
const SHARED_LIMIT_MS = 3_000;
const DEADLINE_MS = 10_000;
const MEMORY_BYTES = 2 ** 30;
const FOR_EVER = 2n ** 62n;

const index = (value: bigint): Tensor => ({ name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(value) });
const number: Tensor = { name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(1) };
const trips: Tensor = { name: "trips", datatype: "INT64", shape: [], data: BigInt64Array.of(FOR_EVER) };

/** What does harm, and what is said of it. `ends` where the engine has to be replaced. */
const HARM: Readonly<Record<string, { model: string; inputs: readonly Tensor[]; code: string; ends?: boolean }>> = {
  "a record that the model throws on": { model: "lookup", inputs: [index(99n)], code: "MODEL_FAILED" },
  "a model that eats memory": { model: "hungry", inputs: [index(2n ** 31n)], code: "MODEL_FAILED" },
  "a model that asks for more memory than there is": {
    ...{ model: "hungry", inputs: [index(2n ** 46n)], code: "MODEL_FAILED" },
  },
  "a run that never ends": { model: "slow", inputs: [number, trips], code: "MODEL_FAILED", ends: true },
};

describe("harm through the queue", { skip }, () => {
  let stack: QueueStack;
  let gateway: TestGateway;
  before(async () => {
    stack = await startQueueStack(["echo", "lookup", "slow"], {
      memoryBytes: MEMORY_BYTES,
      makeMore: () => ({
        "hungry/1/model.onnx": writeHungry(),
        "greedy/1/model.onnx": writeHungry(),
        "endless/1/model.onnx": writeSlow(Number(FOR_EVER)),
        "hang/1/model.onnx": writeHang(),
      }),
      engineSettings: {
        modelSettings: {
          slow: { runLimitMs: RUN_LIMIT_MS },
          endless: { runLimitMs: RUN_LIMIT_MS },
          hang: { runLimitMs: SHARED_LIMIT_MS, batch: { maxRows: 3, windowMs: SHARED_LIMIT_MS } },
          greedy: { instances: 10_000_000 },
        },
      },
    });
    gateway = await startTestGateway(stack);
    await until(() => gateway.client.isReady("echo").catch(() => false));
  });
  after(async () => {
    await gateway?.stop();
    await stack?.stop();
  });

  const listDead = (): Promise<DeadLetter[]> =>
    askRedis(stack.queue.record.redis, (link) => listDeadLetters(link, nameKeys(stack.queue.record.job), 1000));

  it("a model that never ends, whatever it gets, is not served, and keeps no other from it", async () => {
    assert.match(stack.readLogs(), /"event":"model not loaded","model":"endless","code":"MODEL_LOAD_FAILED"/);
    assert.equal(await gateway.client.isReady("endless"), false);
    const asked = gateway.client.infer("endless", [number], { timeoutMs: 2_000 });
    // Engines wait for a model to come back, callers for no longer than they said.
    await assert.rejects(asked, ({ code }) => ["MODEL_NOT_READY", "SERVING_DEADLINE"].includes(code));
  });

  it("a model that would not fit into memory is refused, and keeps no other from being served", () => {
    assert.match(stack.readLogs(), /"event":"model not loaded","model":"greedy","code":"MODEL_MEMORY"/);
  });

  for (const [what, { model, inputs, code, ends = false }] of Object.entries(HARM)) {
    it(what, async (context) => {
      const engine = stack.queue.processes["engine-1"] ?? assert.fail();
      const [before, restarts] = [await listDead(), engine.restarts()];
      const askers = [askAndWait(gateway.client), submitAndFetch(gateway.client)];
      let tookMs = 0;
      const counts = await askWhile(askers, { callers: 4 }, async (seen) => {
        const startedAt = performance.now();
        await assert.rejects(gateway.client.infer(model, inputs, { timeoutMs: DEADLINE_MS }), { code });
        tookMs = performance.now() - startedAt;
        await until(async () => (await listDead()).length > before.length);
        if (ends) await until(() => engine.restarts() > restarts);
        const { answered } = seen;
        await until(() => seen.answered > answered + 20);
      });
      const slowest = `slowest of the others ${Math.round(counts.slowestMs)} ms`;
      context.diagnostic(`answered after ${Math.round(tookMs)} ms; ${counts.answered} others answered, ${slowest}`);
      assert.ok(tookMs < DEADLINE_MS);
      const [letter, ...more] = (await listDead()).slice(0, -before.length || undefined);
      assert.deepEqual([letter?.model, letter?.reason, more.length], [model, code, 0]);
      const { wrong, lost, refused, broken } = counts;
      assert.deepEqual({ wrong, lost, refused, broken }, { wrong: 0, lost: [], refused: 0, broken: 0 });
      assert.equal(engine.restarts(), restarts + (ends ? 1 : 0), "the engine lives");
    });
  }

  it("a row that never ends in a run with others, all of them late when it is given up", async () => {
    const engine = stack.queue.processes["engine-1"] ?? assert.fail();
    const [before, restarts] = [await listDead(), engine.restarts()];
    await until(() => gateway.client.isReady("hang").catch(() => false));
    const { client } = gateway;
    const timeoutMs = SHARED_LIMIT_MS - RUN_LIMIT_MS;
    const [first, fatal, last] = await Promise.all(
      [1n, FOR_EVER, 3n].map((value) => client.submit("hang", [index(value)], { timeoutMs })),
    );
    await assert.rejects(client.result(fatal ?? "", { timeoutMs: 2 * DEADLINE_MS }), { code: "MODEL_FAILED" });
    for (const [id, value] of [
      [first, 1n],
      [last, 3n],
    ] as const) {
      const result = await client.result(id ?? "", { timeoutMs: DEADLINE_MS });
      assert.deepEqual(result?.outputs[0]?.data, BigInt64Array.of(value), "each is computed alone, late");
    }
    const [letter, ...more] = (await listDead()).slice(0, -before.length || undefined);
    assert.deepEqual([letter?.model, letter?.reason, more.length], ["hang", "MODEL_FAILED", 0]);
    await until(() => engine.restarts() > restarts);
  });
});
