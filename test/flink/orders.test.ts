// SPDX-License-Identifier: Apache-2.0
// Models of Flink's task managers are loaded and unloaded while they run, by order of a gateway, beside an embedded engine.
import assert from "node:assert/strict";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeSlow } from "../../packages/inference/src/testing/models.ts";
import { askWhile } from "../serving/load.ts";
import { forgeOrders, type Ordering, startOrdering } from "../serving/ordering.ts";
import { until } from "../serving/stack.ts";
import { askAsEngine, type FlinkStack, skip, startFlinkStack } from "./stack.ts";

const PARALLELISM = 2;
const ENGINES = PARALLELISM + 1;
const CALLERS = 16;
const LOADS = 3;
const BACK_MS = 90_000;
const MEMORY_BYTES = 2 ** 32;
const GRACE_MS = 15_000;
/** Of a model's loop: a second or so. */
const TRIPS = 800_000;

describe("load and unload behind the queue, with Flink", { skip }, () => {
  let stack: FlinkStack;
  let models: Ordering;
  const everywhere = (said: string): string[] => Array.from({ length: ENGINES }, () => said);

  before(async () => {
    stack = await startFlinkStack(["echo", "lookup"], {
      ...{ engines: 1, parallelism: PARALLELISM, memoryBytes: MEMORY_BYTES },
    });
    models = await startOrdering(stack);
    await until(async () => (await models.say()).length === ENGINES);
  });
  after(async () => {
    await models?.close();
    await stack?.stop();
  });

  it("takes a model from every subtask, and nothing else", async () => {
    assert.deepEqual(await models.change("unload"), { status: 200, content: {} });
    assert.deepEqual(await models.say(), everywhere("1 UNAVAILABLE unloaded"));
    const refused = await models.infer();
    assert.deepEqual([refused.status, refused.content.code], [503, "MODEL_NOT_READY"]);
    assert.equal((await models.askLookup()).status, 200);
  });

  it("is obeyed by a task manager that starts later, before it takes records", async () => {
    const countReady = (): number => stack.readLogs().match(/flink-\S+ is ready$/gm)?.length ?? 0;
    const before = countReady();
    for (let number = 1; number <= PARALLELISM; number++) {
      const part = stack.queue.processes[`flink-taskmanager-${number}`] ?? assert.fail();
      process.kill(part.pid() ?? assert.fail(), "SIGKILL");
    }
    await until(() => countReady() >= before + PARALLELISM, BACK_MS);
    assert.deepEqual(await models.say(), everywhere("1 UNAVAILABLE unloaded"));
  });

  it("loads what is there now, in every subtask", async () => {
    models.put("2");
    assert.deepEqual(await models.change("load"), { status: 200, content: {} });
    for (const said of await models.say()) assert.match(said, /2 READY/);
    assert.equal((await models.infer("/versions/2")).status, 200);
  });

  it("costs nobody an answer who asks meanwhile", async (context) => {
    const counts = await askWhile(stack.gateway, { callers: CALLERS }, async (seen) => {
      for (let version = 3; version < 3 + LOADS; version++) {
        const { answered } = seen;
        await until(() => seen.answered > answered + 200);
        models.put(String(version));
        assert.deepEqual(await models.change("load"), { status: 200, content: {} });
      }
    });
    const { answered, wrong, lost, refused, slowestMs } = counts;
    context.diagnostic(`${LOADS} loads, ${answered} answered, slowest ${Math.round(slowestMs)} ms`);
    assert.deepEqual({ wrong, lost, refused }, { wrong: 0, lost: [], refused: 0 });
    for (const said of await models.say()) assert.match(said, /5 READY/);
  });

  it("tells what a subtask fails with, and goes on", async () => {
    const unknown = await models.change("load", "nothing");
    assert.deepEqual([unknown.status, unknown.content.code], [404, "MODEL_UNKNOWN"]);
    mkdirSync(join(stack.folder, "models", "lookup", "9"), { recursive: true });
    writeFileSync(join(stack.folder, "models", "lookup", "9", "model.onnx"), "this is no model");
    assert.notEqual((await models.change("load", "lookup")).status, 200);
    mkdirSync(join(stack.folder, "models", "greedy", "1"), { recursive: true });
    const greedy = join(stack.folder, "models", "greedy", "1", "model.onnx");
    writeFileSync(greedy, "");
    truncateSync(greedy, 2 ** 40);
    assert.equal((await models.change("load", "greedy")).content.code, "MODEL_MEMORY");
    const said = [...(await models.listen()).values()].map(({ carriedOut }) => carriedOut?.failures.at(-1)?.code);
    assert.deepEqual(said, everywhere("MODEL_MEMORY"));
    assert.equal((await models.askLookup()).status, 200, "what is served goes on being served");
  });

  it("obeys nobody who has no key, and no order twice", async () => {
    const last = await askAsEngine(stack, forgeOrders);
    await until(async () => [...(await models.listen()).values()].every(({ carriedOut }) => carriedOut?.upTo === last));
    for (const said of await models.say()) assert.match(said, /5 READY/);
    assert.equal((await models.askLookup()).status, 200);
    assert.equal((await models.change("load")).status, 200, "and goes on obeying");
  });

  it("lets a record wait for a model that is being loaded, and others pass it", async () => {
    // Flink alone: it is to be its records that wait.
    await stack.queue.processes["engine-1"]?.stop(GRACE_MS);
    const folder = join(stack.folder, "models", "late", "1");
    mkdirSync(folder, { recursive: true });
    // Loading runs it three times.
    writeFileSync(join(folder, "model.onnx"), writeSlow(TRIPS, "rows"));
    const count = (what: string): number => stack.readLogs().split(`${what} "late"`).length - 1;
    const loaded = models.change("load", "late");
    await until(() => count("begins: LOAD") === PARALLELISM);
    const row = { name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(0) } as const;
    const asked = Promise.all(Array.from({ length: CALLERS }, () => stack.gateway.infer("late", undefined, [row])));
    assert.equal((await models.infer()).status, 200);
    assert.equal(count("carried out: LOAD"), 0, "it is loaded nowhere yet");
    for (const { outputs } of await asked) assert.deepEqual([...(outputs[0]?.data ?? [])], [0]);
    assert.equal((await loaded).status, 200);
  });
});
