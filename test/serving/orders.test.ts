// SPDX-License-Identifier: Apache-2.0
// Models of engines behind the queue are loaded and unloaded while they run, by order of a gateway.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { nameKeys, type RedisConnectionSettings } from "../../packages/queue/src/index.ts";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENGINE = fileURLToPath(new URL("../../services/inference-engine/src/main.ts", import.meta.url));
const ECHO = { inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] };
const LOOKUP = { inputs: [{ name: "x", datatype: "INT64", shape: [1], data: [3] }] };
const names = nameKeys("serving_stream");

type Said = { versions: { model: string; version: string; state: string; reason?: string }[] };

describe("load and unload behind the queue", { skip }, () => {
  let stack: QueueStack;
  let gateway: Started;
  let engine: RedisConnectionSettings;
  let late: ChildProcess;

  const post = async (path: string, body: object = {}) => {
    const answer = await fetch(`${gateway.addresses.http}${path}`, { method: "POST", body: JSON.stringify(body) });
    const content = (await answer.json()) as { code?: string; [key: string]: unknown };
    return { status: answer.status, content };
  };
  const change = (verb: "load" | "unload", model = "echo") => post(`/v2/repository/models/${model}/${verb}`);
  const infer = (version = "") => post(`/v2/models/echo${version}/infer`, ECHO);

  /** What each engine alive says of the model now. */
  const say = (): Promise<string[]> =>
    askRedis(engine, async (link) => {
      const engines = (await link.send("ZRANGEBYSCORE", names.engines, "-inf", "+inf")) as Buffer[];
      const said = await Promise.all(engines.map((one) => link.send("GET", names.serves(String(one)))));
      return said.map((text) => {
        const { versions } = JSON.parse(String(text)) as Said;
        const ours = versions.filter(({ model }) => model === "echo");
        return ours.map(({ version, state, reason = "" }) => `${version} ${state} ${reason}`.trim()).join(", ");
      });
    });

  before(async () => {
    stack = await startQueueStack(["echo", "lookup"], { engines: 2 });
    const { queue, keys } = stack;
    // A test may look at everything; engines may not read keys.
    engine = {
      ...queue.durable.redis,
      user: "operator",
      passwordFile: String(queue.durable.redis.passwordFile).replace("gateway", "operator"),
    };
    const durable = { ...queue.durable, keyringFile: keys.files.keyring, mostRecords: 1000, mostBytes: 2 ** 28 };
    const settings = { delivery: { "*": "durable" }, durable: { ...durable, budgetMs: 30_000 }, httpPort: 0 };
    gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"));
    await until(async () => (await infer()).status === 200);
  });
  after(async () => {
    late?.kill("SIGKILL");
    await gateway?.close();
    await stack?.stop();
  });

  it("takes a model from every engine, and nothing else from anybody", async () => {
    assert.deepEqual(await change("unload"), { status: 200, content: {} });
    assert.deepEqual(await say(), ["1 UNAVAILABLE unloaded", "1 UNAVAILABLE unloaded"]);
    const startedAt = performance.now();
    const refused = await infer();
    assert.deepEqual([refused.status, refused.content.code], [503, "MODEL_NOT_READY"]);
    assert.ok(performance.now() - startedAt < 1_000, "what nobody will compute is not queued");
    assert.equal((await post("/v2/models/lookup/infer", LOOKUP)).status, 200);
    assert.equal((await fetch(`${gateway.addresses.http}/v2/health/ready`)).status, 200);
  });

  it("is followed by an engine that starts later", async () => {
    const file = join(stack.folder, "late.json");
    const { queue, folder, keys } = stack;
    const redis = {
      ...queue.durable.redis,
      user: "engine",
      passwordFile: String(queue.durable.redis.passwordFile).replace("gateway", "engine"),
    };
    const settings = { redis, keyringFile: keys.files.keyring, models: join(folder, "models"), consumer: "late" };
    writeFileSync(file, JSON.stringify({ ...settings, hasLifeline: true }), { mode: 0o600 });
    late = spawn(process.execPath, [ENGINE, file], { stdio: ["pipe", "ignore", "ignore"] });
    await until(async () => (await say()).length === 3);
    assert.deepEqual(new Set(await say()), new Set(["1 UNAVAILABLE unloaded"]));
  });

  it("loads what is there now, in every engine", async () => {
    const folder = join(stack.folder, "models", "echo", "2");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "model.onnx"), writeIdentity("FP32", "n", "m"));
    assert.deepEqual(await change("load"), { status: 200, content: {} });
    for (const said of await say()) assert.match(said, /2 READY/);
    await until(async () => (await infer("/versions/2")).status === 200);
  });

  it("refuses with the engines' own code what they do not have", async () => {
    const unknown = await change("load", "nothing");
    assert.deepEqual([unknown.status, unknown.content.code], [404, "MODEL_UNKNOWN"]);
  });

  it("obeys nobody who has no key, and no order twice", async () => {
    const redis = {
      ...engine,
      user: "engine",
      passwordFile: String(engine.passwordFile).replace("operator", "engine"),
    };
    const orders = (await askRedis(engine, (link) => link.send("XRANGE", names.orders, "-", "+"))) as [
      Buffer,
      Buffer[],
    ][];
    const [, unload = []] = orders[0] ?? [];
    await askRedis(redis, async (link) => {
      await link.send("XADD", names.orders, "*", ...unload);
      await link.send("XADD", names.orders, "*", "model", "echo", "order", "unload 1");
      const moved = unload.map((field) => (String(field) === "echo" ? "lookup" : field));
      await link.send("XADD", names.orders, "*", ...moved);
    });
    await until(() => stack.readLogs().includes("RECORD_MALFORMED") && stack.readLogs().includes("RECORD_TAMPERED"));
    for (const said of await say()) assert.match(said, /2 READY/);
    assert.equal((await post("/v2/models/lookup/infer", LOOKUP)).status, 200);
    assert.equal((await change("load")).status, 200, "and goes on obeying");
  });

  it("says so, and orders nothing, where an engine cannot follow", async () => {
    const redis = {
      ...engine,
      user: "engine",
      passwordFile: String(engine.passwordFile).replace("operator", "engine"),
    };
    await askRedis(redis, async (link) => {
      await link.send("ZADD", names.engines, Date.now() + 60_000, "flink-0");
      await link.send("SET", names.serves("flink-0"), '{"format":1,"versions":[]}', "PX", 60_000);
    });
    await until(async () => (await change("load")).status === 501);
    const refused = await change("unload");
    assert.deepEqual([refused.status, refused.content.code], [501, "SERVING_UNSUPPORTED"]);
    assert.match(String(refused.content.error), /flink-0/);
    assert.equal((await infer("/versions/2")).status, 200);
  });
});
