// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Datatype, LAYOUTS, type Tensor, toTensor } from "@bulwark/tensors";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { createEngine } from "./create-engine.ts";
import type { InferOptions, Priority } from "./engine.ts";
import { openFile, openFolder } from "./repository.ts";
import { sealModel, unwrapWith } from "./sealed-model.ts";
import { DEFAULT_SETTINGS, type ModelSettings } from "./settings.ts";
import { writeCentered, writeHang, writeIdentity, writeLookup, writeMlp, writeSlow } from "./testing/models.ts";
import { startVersion } from "./version.ts";
import { type ModelWorker, startModelWorker } from "./worker/host.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-engine-"));
after(() => rm(root, { recursive: true, force: true }));

const now = (): number => performance.timeOrigin + performance.now();

async function place(model: string, version: string, bytes: Uint8Array, file = "model.onnx"): Promise<string> {
  const path = join(root, model, version, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** An engine over the folder with some models loaded; closed at the end. */
async function open(
  t: { after(close: () => Promise<unknown>): void },
  models: string[],
  settings: Partial<ModelSettings> = {},
) {
  const engine = createEngine({
    repository: openFolder(root),
    settings: () => ({ ...DEFAULT_SETTINGS, ...settings }),
    now,
  });
  t.after(() => engine.close());
  for (const model of models) await engine.load(model);
  return engine;
}

const row = (values: ArrayLike<number>): Tensor => toTensor("x", "FP32", [1, values.length], Float32Array.from(values));
const index = (...values: number[]): Tensor =>
  toTensor(
    "x",
    "INT64",
    [values.length],
    BigInt64Array.from(values, (value) => BigInt(value)),
  );

/** A model, and the workers that it has had. */
async function startModel(t: TestContext, name: string, bytes: Uint8Array, settings = DEFAULT_SETTINGS) {
  const workers: ModelWorker[] = [];
  const path = await place(name, "1", bytes);
  const start = () => {
    const worker = startModelWorker({ model: { path }, threads: 1, runLimitMs: 60_000 });
    workers.push(worker);
    return worker;
  };
  const version = await startVersion({ settings, start, now });
  t.after(() => version.close());
  return { version, workers };
}

/** How many trips of a loop this machine makes in a millisecond, at its best. */
async function findRate(trips: number, run: (trips: number) => Promise<unknown>): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const startedAt = now();
    await run(trips);
    bestMs = Math.min(bestMs, now() - startedAt);
  }
  return trips / bestMs;
}

await place("mlp", "1", writeMlp([16, 8, 4]));
await place("lookup", "1", writeLookup());
await place("centered", "1", writeCentered());
await place("slow", "1", writeSlow());

test("one request equals ONNX Runtime run directly, bit for bit", async (t) => {
  const engine = await open(t, ["mlp"]);
  const input = row(Float32Array.from({ length: 16 }, (_, at) => Math.sin(at)));
  const { outputs, version } = await engine.infer("mlp", undefined, [input]);
  const session = await ort.InferenceSession.create(join(root, "mlp", "1", "model.onnx"));
  const direct = await session.run({ x: new ort.Tensor("float32", input.data as Float32Array, input.shape) });
  assert.equal(version, "1");
  assert.deepEqual(outputs, [toTensor("y", "FP32", [1, 4], direct.y?.data as Float32Array)]);
});

test("whatever is put together in batches, each caller gets its own rows", async (t) => {
  const engine = await open(t, ["lookup"], { batch: { maxRows: 8, windowMs: 1 }, instances: 2 });
  const request = fc.record({ rows: fc.array(fc.nat({ max: 9 }), { maxLength: 12 }), turns: fc.nat({ max: 3 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 40 }), async (requests) => {
      await Promise.all(
        requests.map(async ({ rows, turns }) => {
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
          const { outputs } = await engine.infer("lookup", undefined, [index(...rows)]);
          assert.deepEqual(
            outputs[0]?.data,
            Float32Array.from(rows, (value) => value * value),
          );
        }),
      );
    }),
    { numRuns: 60 },
  );
  const [{ requests = 0, executions = 0 } = {}] = engine.statistics();
  assert.ok(executions < requests, `${executions} runs for ${requests} requests`);
});

test("a request that makes the model throw fails alone", async (t) => {
  const engine = await open(t, ["lookup"]);
  const results = await Promise.allSettled([1, 99, 3].map((value) => engine.infer("lookup", "1", [index(value)])));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  await assert.rejects(engine.infer("lookup", "1", [index(99)]), { code: "MODEL_FAILED" });
});

test("a model whose rows depend on each other is not batched", async (t) => {
  const engine = await open(t, ["centered"]);
  const answers = await Promise.all([1, 5].map((value) => engine.infer("centered", undefined, [row([value, value])])));
  for (const { outputs } of answers) assert.deepEqual(outputs[0]?.data, new Float32Array([0, 0]));
});

test("every datatype goes through as it is", async (t) => {
  for (const datatype of [...Object.keys(LAYOUTS), "BYTES"] as Datatype[]) {
    const name = `identity-${datatype.toLowerCase()}`;
    await place(name, "1", writeIdentity(datatype, "rows", 3));
    const engine = await open(t, [name]);
    const data =
      datatype === "BYTES"
        ? ["a", "", "é"].map((text) => new Uint8Array(Buffer.from(text)))
        : LAYOUTS[datatype].over(
            Uint8Array.from({ length: 24 }, (_, at) => (datatype === "BOOL" ? at % 2 : at + 1)).buffer,
            0,
            3,
          );
    const { outputs } = await engine.infer(name, undefined, [toTensor("x", datatype, [1, 3], data)]);
    assert.deepEqual(
      outputs.map((output) => ({ ...output, data: Array.from(output.data as ArrayLike<unknown>, String) })),
      ["y", "z"].map((output) => ({
        name: output,
        datatype,
        shape: [1, 3],
        data: Array.from(data as ArrayLike<unknown>, String),
      })),
    );
    const chosen = await engine.infer(name, undefined, [toTensor("x", datatype, [1, 3], data)], { outputs: ["z"] });
    assert.deepEqual(
      chosen.outputs.map((output) => output.name),
      ["z"],
    );
  }
});

test("bad input is refused before it reaches the model", async (t) => {
  const engine = await open(t, ["mlp", "lookup"]);
  const fits = row(new Float32Array(16));
  for (const [code, model, version, inputs] of [
    ["MODEL_UNKNOWN", "nothing", undefined, [fits]],
    ["MODEL_UNKNOWN", "../mlp", undefined, [fits]],
    ["MODEL_VERSION_UNKNOWN", "mlp", "7", [fits]],
    ["TENSOR_MISSING", "mlp", "1", []],
    ["TENSOR_MISSING", "mlp", "1", [{ ...fits, name: "z" }]],
    ["TENSOR_UNKNOWN", "mlp", "1", [fits, { ...fits, name: "z" }]],
    ["TENSOR_DATATYPE", "lookup", "1", [fits]],
    ["TENSOR_SHAPE", "mlp", "1", [row([1, 2])]],
    ["TENSOR_SHAPE", "mlp", "1", [toTensor("x", "FP32", [16], new Float32Array(16))]],
    ["TENSOR_VALUE", "mlp", "1", [row(new Float32Array(16).fill(Number.NaN))]],
    ["TENSOR_VALUE", "mlp", "1", [row(new Float32Array(16).fill(Number.NEGATIVE_INFINITY))]],
  ] as const) {
    await assert.rejects(engine.infer(model, version, inputs), { code }, `${code} ${model}`);
  }
  await assert.rejects(engine.infer("mlp", "1", [fits], { outputs: ["no"] }), { code: "TENSOR_UNKNOWN" });
  await assert.rejects(engine.infer("mlp", "1", [fits], { deadline: now() - 1 }), { code: "SERVING_DEADLINE" });
  await assert.rejects(engine.infer("mlp", "1", [fits], { isGone: () => true }), {
    code: "SERVING_CANCELLED",
  });
});

test("a run that takes too long is given up, and others go on", { timeout: 60_000 }, async (t) => {
  const workers: ModelWorker[] = [];
  const start = () => {
    const worker = startModelWorker({
      model: { path: join(root, "slow", "1", "model.onnx") },
      threads: 1,
      runLimitMs: 60_000,
    });
    workers.push(worker);
    return worker;
  };
  const version = await startVersion({ settings: { ...DEFAULT_SETTINGS, runLimitMs: 300 }, start, now });
  t.after(() => version.close());
  const infer = (trips: number, options = {}) =>
    version.infer(
      [
        toTensor("x", "FP32", [1], new Float32Array([1])),
        toTensor("trips", "INT64", [], new BigInt64Array([BigInt(trips)])),
      ],
      options,
    );
  const long = infer(500_000);
  await Promise.all([
    assert.rejects(infer(1, { deadline: now() + 50 }), { code: "SERVING_DEADLINE" }),
    assert.rejects(long, { code: "MODEL_FAILED" }),
  ]);
  assert.equal((await infer(1)).outputs.length, 1);
  // A process must not end while a run goes on in one of its threads.
  await workers[0]?.exited;
});

test("while the worker is busy, the most urgent request gets before the others", { timeout: 60_000 }, async (t) => {
  const engine = await open(t, ["slow"]);
  const order: string[] = [];
  const infer = async (name: string, priority: Priority, trips = 1n): Promise<void> => {
    const inputs = [
      toTensor("x", "FP32", [1], new Float32Array([1])),
      toTensor("trips", "INT64", [], new BigInt64Array([trips])),
    ];
    await engine.infer("slow", "1", inputs, { priority });
    order.push(name);
  };
  const busy = infer("busy", "low", 100_000n);
  // It gets the worker in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await Promise.all([busy, infer("usual", "normal"), infer("idle", "low"), infer("urgent", "high")]);
  assert.deepEqual(order, ["busy", "urgent", "usual", "idle"]);
});

test("a row that never ends fails alone, whoever shared its run, and its thread is told of", {
  timeout: 60_000,
}, async (t) => {
  const settings = { ...DEFAULT_SETTINGS, runLimitMs: 400 };
  const { version, workers } = await startModel(t, "hang", writeHang(), settings);
  // A test has to end: as many trips as take some seconds here, longer than a thread is waited for.
  const tripsPerMs = await findRate(5_000, (trips) => version.infer([index(trips)], {}));
  const long = Math.round(tripsPerMs * 4_000);
  const late = { deadline: now() + settings.runLimitMs / 2 };
  const awaited = { ...late, awaitsRun: true };
  const batch: [number, InferOptions][] = [
    [1, {}],
    [long, awaited],
    [3, awaited],
    [4, late],
  ];
  const asked = await Promise.allSettled(batch.map(([value, options]) => version.infer([index(value)], options)));
  assert.deepEqual(
    asked.map((one) => (one.status === "rejected" ? one.reason.code : Number(one.value.outputs[0]?.data[0]))),
    [1, "MODEL_FAILED", 3, "SERVING_DEADLINE"],
  );
  const countStuck = (): number => workers.filter(({ isStuck }) => isStuck()).length;
  for (const limit = now() + 20_000; countStuck() === 0; await delay(5)) assert.ok(now() < limit);
  await version.close();
  await Promise.all(workers.map(({ exited }) => exited));
  assert.equal(countStuck(), 0);
});

test("a model whose first run does not end is not loaded", async (t) => {
  await place("endless", "1", writeSlow(400_000));
  const engine = await open(t, [], { runLimitMs: 200 });
  await assert.rejects(engine.load("endless"), { code: "MODEL_LOAD_FAILED" });
});

test("models that are loaded at once do not each get the same memory", async (t) => {
  await Promise.all(["one", "two"].map((name) => place(name, "1", writeMlp([64, 64]))));
  const [file] = await openFolder(root).find("one");
  const needed = (file?.bytes ?? 0) * 2;
  const engine = createEngine({
    repository: openFolder(root),
    settings: () => DEFAULT_SETTINGS,
    now,
    memory: { limitBytes: Math.round(needed * 1.5), usedBytes: () => 0 },
  });
  t.after(() => engine.close());
  const loads = await Promise.allSettled(["one", "two"].map((name) => engine.load(name)));
  assert.deepEqual(
    // Which of the two is first is their files' matter.
    loads.map((load) => (load.status === "rejected" ? load.reason.code : "loaded")).sort(),
    ["MODEL_MEMORY", "loaded"],
  );
});

test("requests beyond the limit are refused at once", async (t) => {
  const engine = await open(t, ["lookup"], { maxWaiting: 3 });
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => engine.infer("lookup", "1", [index(1)])));
  const codes = results.map((result) => (result.status === "rejected" ? result.reason.code : "ok"));
  assert.deepEqual(codes, ["ok", "ok", "ok", "ENGINE_BUSY", "ENGINE_BUSY"]);
});

test("requests of a worker that dies fail with a code, and another worker takes over", async (t) => {
  const { version, workers } = await startModel(t, "lookup", writeLookup());
  const request = version.infer([index(3)], {});
  const lost = assert.rejects(request, { code: "ENGINE_LOST" });
  await new Promise(setImmediate);
  await workers[0]?.end(1000);
  await lost;
  assert.deepEqual((await version.infer([index(3)], {})).outputs[0]?.data, new Float32Array([9]));
  assert.equal(workers.length, 2);
});

test("a model whose workers die again and again is refused for a moment, and comes back", async (t) => {
  const { version, workers } = await startModel(t, "lookup", writeLookup());
  for (let deaths = 1; deaths <= 6; deaths++) {
    const worker = workers[deaths - 1] ?? assert.fail();
    await worker.ready;
    await worker.end(1000);
    // Its end is seen, and a successor is there, or waits for its time.
    for (const limit = now() + 5000; workers.length === deaths && version.failure === undefined; ) {
      assert.ok(now() < limit);
      await delay(1);
    }
  }
  assert.equal(workers.length, 6);
  await assert.rejects(version.infer([index(3)], {}), { code: "MODEL_NOT_READY" });
  for (const limit = now() + 20_000; version.failure !== undefined; await delay(20)) assert.ok(now() < limit);
  assert.deepEqual((await version.infer([index(3)], {})).outputs[0]?.data, new Float32Array([9]));
  assert.equal(workers.length, 7);
});

test("versions: the newest is the default, labels point, what changed on disk is loaded again", async (t) => {
  await place("many", "2", writeMlp([16, 4]));
  await place("many", "10", writeMlp([16, 6]));
  const engine = await open(t, ["many"], { versions: { kind: "all" }, labels: { stable: "2" } });
  const width = async (version?: string) =>
    (await engine.infer("many", version, [row(new Float32Array(16))])).outputs[0]?.shape[1];
  assert.deepEqual([await width(), await width("stable"), await width("10")], [6, 4, 6]);
  await place("many", "11", writeMlp([16, 7]));
  await place("many", "2", writeMlp([16, 5]));
  await engine.load("many");
  assert.deepEqual([await width(), await width("stable")], [7, 5]);
  await engine.unload("many");
  assert.equal(engine.isReady("many"), false);
  await assert.rejects(width(), { code: "MODEL_NOT_READY" });
  assert.deepEqual(new Set(engine.list().map(({ state }) => state)), new Set(["UNAVAILABLE"]));
});

test("an encrypted model is opened with its key alone", async (t) => {
  const master = { id: "models", version: 1, key: createSecretKey(randomBytes(32)) };
  const path = await place("sealed", "1", sealModel(writeLookup(), master, randomBytes), "model.onnx.sealed");
  const parts = { repository: openFile(path, "sealed"), settings: () => DEFAULT_SETTINGS, now };
  const engine = createEngine({ ...parts, unwrap: async (header) => unwrapWith(master, header) });
  t.after(() => engine.close());
  await engine.load("sealed");
  assert.deepEqual((await engine.infer("sealed", undefined, [index(5)])).outputs[0]?.data, new Float32Array([25]));
  await assert.rejects(createEngine(parts).load("sealed"), { code: "KEY_MISSING" });
  const other = { ...master, key: createSecretKey(randomBytes(32)) };
  await assert.rejects(createEngine({ ...parts, unwrap: async (header) => unwrapWith(other, header) }).load("sealed"), {
    code: "KEY_WRONG",
  });
});

test("what is no ONNX model is refused with what converts it", async (t) => {
  await place("broken", "1", Buffer.from("no model"));
  await place("torch", "1", Buffer.from("x"), "weights.pt");
  const engine = await open(t, []);
  await assert.rejects(engine.load("broken"), { code: "MODEL_LOAD_FAILED" });
  await assert.rejects(engine.load("torch"), { code: "MODEL_FORMAT" });
  await assert.rejects(engine.load("absent"), { code: "MODEL_UNKNOWN" });
  const small = { limitBytes: 10, usedBytes: () => 0 };
  const parts = { repository: openFolder(root), settings: () => DEFAULT_SETTINGS, now, memory: small };
  await assert.rejects(createEngine(parts).load("mlp"), { code: "MODEL_MEMORY" });
});
