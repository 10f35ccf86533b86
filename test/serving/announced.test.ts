// SPDX-License-Identifier: Apache-2.0
// A gateway that has neither models nor their keys, before an encrypted model of an engine behind the queue.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSecretKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { sealModel } from "../../packages/inference/src/index.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { addDataKey, selectKeys, serializeKeyring } from "../../packages/pki/src/index.ts";
import { nameKeys, type RedisConnectionSettings } from "../../packages/queue/src/index.ts";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENGINE = fileURLToPath(new URL("../../services/inference-engine/src/main.ts", import.meta.url));
const DEADLINE_MS = 1_000;
const ECHO = { inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }] };
const TWO_ROWS = { inputs: [{ name: "x", datatype: "FP32", shape: [2, 2], data: [1, 2, 3, 4] }] };
/** Every timer that the older server had (serving contract, section 6). */
const TIMERS = [
  "bigdl.serving.request.overall",
  "bigdl.serving.request.predict",
  "bigdl.serving.request.metrics",
  "bigdl.serving.retrive.servable",
  "bigdl.serving.retrive.servables",
  "bigdl.serving.backend.inference",
  "bigdl.serving.redis.put",
  "bigdl.serving.redis.get",
  "bigdl.serving.redis.wait",
  "bigdl.serving.activity.make",
  "bigdl.serving.response.handling",
  "bigdl.serving.inference.secret.3",
  "bigdl.pure.predict.secret.3",
];

type Answer = { status: number; body: { code?: string; [key: string]: unknown } };

describe("a gateway without models and their keys", { skip }, () => {
  let stack: QueueStack;
  let gateway: Started;
  let engineSettings: object;
  let engineRedis: RedisConnectionSettings;
  let engine: ChildProcess;
  const reports: [string, Readonly<Record<string, string>>][] = [];

  const ask = async (path: string, body?: object): Promise<Answer> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`${gateway.addresses.http}${path}`, init);
    const content = await answer.text();
    return { status: answer.status, body: content.startsWith("{") ? JSON.parse(content) : { content } };
  };
  const infer = (body: object = {}) =>
    ask("/v2/models/secret/infer", { ...ECHO, parameters: { timeout: DEADLINE_MS * 1000 }, ...body });
  const statusOf = async (path: string): Promise<number> => (await ask(path)).status;
  const listIndex = async () => (await ask("/v2/repository/index", {})).body.content as string;

  const startEngine = (): ChildProcess => {
    const file = join(stack.folder, "engine.json");
    writeFileSync(file, JSON.stringify(engineSettings), { mode: 0o600 });
    return spawn(process.execPath, [ENGINE, file], { stdio: ["pipe", "ignore", "ignore"] });
  };
  const kill = async (): Promise<void> => {
    const ended = once(engine, "exit");
    engine.kill("SIGKILL");
    await ended;
  };

  before(async () => {
    stack = await startQueueStack([], { engines: 0 });
    const { folder, queue } = stack;
    const keys = await addDataKey(join(folder, "keys"), { id: "models", now: new Date() });
    const [master] = selectKeys(keys.keyring, ["models"]).keys;
    const [version] = master?.versions ?? [];
    assert.ok(master && version);
    const key = { id: master.id, version: version.version, key: createSecretKey(Buffer.from(version.key, "base64")) };
    mkdirSync(join(folder, "models", "secret", "3"), { recursive: true });
    const sealed = sealModel(writeIdentity("FP32", "rows", 2), key, randomBytes);
    writeFileSync(join(folder, "models", "secret", "3", "model.onnx.sealed"), sealed);
    engineRedis = {
      ...queue.durable.redis,
      user: "engine",
      passwordFile: String(queue.durable.redis.passwordFile).replace("gateway", "engine"),
    };
    engineSettings = {
      ...{ redis: engineRedis, keyringFile: keys.files.keyring, models: join(folder, "models"), consumer: "one" },
      ...{ minIdleMs: 2_000, hasLifeline: true, modelSettings: { "*": { labels: { stable: "3" } } } },
    };
    const records = join(folder, "records.json");
    writeFileSync(records, serializeKeyring(selectKeys(keys.keyring, ["serving-records"])), { mode: 0o600 });
    const durable = { ...queue.durable, keyringFile: records, mostRecords: 1000, mostBytes: 2 ** 28 };
    const settings = {
      ...{ delivery: { "*": "durable" }, durable: { ...durable, budgetMs: 30_000 } },
      ...{ httpPort: 0, healthPort: 0, grpcPort: 0 },
    };
    gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"), (...report) => reports.push(report));
  });
  after(async () => {
    engine?.kill("SIGKILL");
    await gateway?.close();
    await stack?.stop();
  });

  it("is not ready before an engine has told what it serves, and lets requests wait for one", async () => {
    assert.deepEqual(gateway.models, []);
    assert.equal(await statusOf("/v2/health/ready"), 503);
    assert.equal(await statusOf("/v2/models/secret/ready"), 503);
    const metadata = await ask("/v2/models/secret");
    assert.deepEqual([metadata.status, metadata.body.code], [503, "MODEL_NOT_READY"]);
    const late = await infer();
    assert.deepEqual([late.status, late.body.code], [503, "ENGINE_ABSENT"]);
  });

  it("becomes ready, and serves the encrypted model on each surface", async () => {
    const waiting = infer({ parameters: {} });
    engine = startEngine();
    const early = await waiting;
    assert.deepEqual([early.status, early.body.model_version], [200, "3"], "it waited for the engine");
    await until(async () => (await statusOf("/v2/health/ready")) === 200);
    const health = await fetch(`${gateway.addresses.health}/v2/health/started`);
    assert.deepEqual([health.status, await health.text()], [200, '{"started":true}']);
    assert.equal(await statusOf("/v2/models/secret/versions/stable/ready"), 200);
    const { body } = await ask("/v2/models/secret");
    assert.deepEqual(body, {
      ...{ name: "secret", versions: ["3"], version: "3", platform: "onnx_onnxv1" },
      inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
      outputs: ["y", "z"].map((name) => ({ name, datatype: "FP32", shape: [-1, 2] })),
    });
    assert.deepEqual(JSON.parse(await listIndex()), [{ name: "secret", version: "3", state: "READY", reason: "" }]);
    const answer = await ask("/v2/models/secret/versions/stable/infer", ECHO);
    assert.deepEqual((answer.body.outputs as { data: number[] }[])[0]?.data, [1, 2]);
    assert.deepEqual((await ask("/v2/models/secret/generate", { x: [[3, 4]] })).body.y, [3, 4]);
    assert.equal((await ask("/v2/models/secret/requests", ECHO)).status, 202);
    assert.match(String((await ask("/predict", { instances: [{ x: [[5, 6]] }] })).body.predictions), /data.*5/);
    assert.match(String((await ask("/models")).body.content), /"modelName":"secret"/);
  });

  it("counts requests for a queued model as for one of its own, and times each step of the older server", async () => {
    const family = async (name: string, labels: string): Promise<number> => {
      const text = await (await fetch(`${gateway.addresses.health}/metrics`)).text();
      return Number(new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
    };
    const of = (name: string) => family(`nv_inference_${name}`, 'model="secret",version="3"');
    const names = ["request_success", "count", "exec_count", "request_duration_us", "queue_duration_us"];
    const all = [...names, "compute_infer_duration_us"];
    const before = await Promise.all(all.map(of));
    assert.equal((await ask("/v2/models/secret/infer", TWO_ROWS)).status, 200);
    const [requests = 0, rows, runs, total = 0, queue = 0, compute = 0] = (await Promise.all(all.map(of))).map(
      (value, at) => value - (before[at] ?? 0),
    );
    assert.deepEqual([requests, rows, runs], [1, 2, 1]);
    assert.ok(compute > 0 && queue >= 0 && total >= compute, `${total} ${queue} ${compute}`);
    assert.ok(Math.abs(total - queue - compute) <= 1, "what is no run is waiting");
    const failure = 'model="secret",reason="CANCELED",code="SERVING_DEADLINE"';
    assert.ok(Number.isNaN(await family("nv_inference_request_failure", failure)));
    assert.equal((await infer({ parameters: { timeout: 1 } })).body.code, "SERVING_DEADLINE");
    assert.equal(await family("nv_inference_request_failure", failure), 1);
    const stats = (await ask("/v2/models/secret/versions/3/stats")).body.model_stats as {
      inference_stats: { success: { count: number } };
    }[];
    assert.ok((stats[0]?.inference_stats.success.count ?? 0) >= requests);

    assert.equal((await ask("/models/secret")).status, 200);
    const { body } = await ask("/v2/models/secret/requests", ECHO);
    assert.equal((await ask(`/v2/requests/${body.id}?wait=20`)).status, 200);
    const report = await fetch(`${gateway.addresses.http}/metrics?format=bigdl`);
    const timers = new Map(
      ((await report.json()) as { name: string; count: number }[]).map(({ name, count }) => [name, count]),
    );
    // `request.metrics` is over when its answer is: the reads above were.
    for (const name of TIMERS) assert.ok((timers.get(name) ?? 0) > 0, name);
    assert.equal(timers.size, TIMERS.length);
  });

  it("puts requests that come together into one record, and gives each its own rows", async () => {
    const countRecords = async (): Promise<number> => {
      const report = await fetch(`${gateway.addresses.http}/metrics?format=bigdl`);
      const timers = (await report.json()) as { name: string; count: number }[];
      return timers.find(({ name }) => name === "bigdl.serving.redis.put")?.count ?? Number.NaN;
    };
    const before = await countRecords();
    const rows = Array.from({ length: 60 }, (_, at) => [at, at + 0.5]);
    const asked = rows.map((data) => infer({ inputs: [{ ...ECHO.inputs[0], data }] }));
    const got = (await Promise.all(asked)).map(({ body }) => (body.outputs as { data: number[] }[])[0]?.data);
    assert.deepEqual(got, rows);
    const records = (await countRecords()) - before;
    assert.ok(records < rows.length, `${records} records`);
  });

  it("refuses wrong requests with the codes of a model of its own", async () => {
    const local = await openLocal(stack.folder);
    const [input] = ECHO.inputs;
    const bodies = [
      { inputs: [] },
      { inputs: [{ ...input, name: "w" }] },
      { inputs: [{ ...input, datatype: "FP64" }] },
      { inputs: [{ ...input, shape: [2] }] },
      { inputs: [input, { ...input, name: "w" }] },
      { inputs: [{ ...input, data: ["NaN", 1] }] },
      { ...ECHO, outputs: [{ name: "w" }] },
    ];
    try {
      for (const body of bodies) {
        const [here, there] = await Promise.all([
          infer(body),
          fetch(`${local.addresses.http}/v2/models/secret/infer`, { method: "POST", body: JSON.stringify(body) }),
        ]);
        const { code, error, mend } = (await there.json()) as Record<string, unknown>;
        assert.deepEqual([here.status, here.body], [there.status, { code, error, mend }]);
        assert.match(String(code), /^TENSOR_/);
      }
      const paths = ["/v2/models/no/infer", "/v2/models/secret/versions/9/infer", "/v2/models/secret/versions/x/infer"];
      for (const path of paths) {
        const there = await fetch(`${local.addresses.http}${path}`, { method: "POST", body: JSON.stringify(ECHO) });
        const { code } = (await there.json()) as Record<string, unknown>;
        const here = await ask(path, ECHO);
        assert.deepEqual([here.status, here.body.code], [there.status, code]);
      }
    } finally {
      await local.close();
    }
  });

  it("ignores what it cannot read, says so once, and believes the engine again", async () => {
    const names = nameKeys("serving_stream");
    await askRedis(engineRedis, async (link) => {
      await link.send("ZADD", names.engines, Date.now() + 60_000, "stranger");
      await link.send("SET", names.serves("stranger"), '{"format":1,"versions":[{"model":', "PX", 60_000);
    });
    await until(() => reports.length > 0);
    assert.equal((await infer()).status, 200);
    assert.equal(reports.length, 1);
    assert.partialDeepStrictEqual(reports[0]?.[1], { engine: "stranger", code: "ANNOUNCEMENT_MALFORMED" });
    assert.equal(await statusOf("/v2/models/secret/ready"), 200);
    await askRedis(engineRedis, (link) => link.send("ZREM", names.engines, "stranger"));
  });

  it("is left by its engine: the model is not ready, requests get 503 in time, and what it takes is still known", async () => {
    await kill();
    await until(async () => (await statusOf("/v2/models/secret/ready")) === 503);
    const startedAt = performance.now();
    const answer = await infer();
    assert.deepEqual([answer.status, answer.body.code], [503, "ENGINE_ABSENT"]);
    assert.ok(performance.now() - startedAt < 2 * DEADLINE_MS);
    assert.equal(await statusOf("/v2/models/secret"), 200);
    assert.match(await listIndex(), /UNAVAILABLE.*no engine is there/);
    assert.equal(await statusOf("/v2/health/ready"), 200, "it goes on answering, with 503");
    const kept = await ask("/v2/models/secret/requests", ECHO);
    assert.equal(kept.status, 202, "submitted requests wait for an engine");
    engine = startEngine();
    await until(async () => (await statusOf("/v2/models/secret/ready")) === 200);
    assert.equal((await infer()).status, 200);
    assert.equal((await ask(`/v2/requests/${kept.body.id}?wait=20`)).status, 200);
  });
});

/** A gateway that has the same model itself, unencrypted. */
async function openLocal(folder: string): Promise<Started> {
  const models = join(folder, "own");
  mkdirSync(join(models, "secret", "3"), { recursive: true });
  writeFileSync(join(models, "secret", "3", "model.onnx"), writeIdentity("FP32", "rows", 2));
  return startGateway(parseConfig(JSON.stringify({ models, httpPort: 0 }), "test"));
}
