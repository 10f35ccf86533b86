// SPDX-License-Identifier: Apache-2.0
// Models of engines behind the queue are loaded and unloaded while they run, by order of a gateway.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { nameKeys, type RedisConnectionSettings } from "../../packages/queue/src/index.ts";
import { forgeOrders, type Ordering, startOrdering } from "./ordering.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENGINE = fileURLToPath(new URL("../../services/inference-engine/src/main.ts", import.meta.url));
const names = nameKeys("serving_stream");

describe("load and unload behind the queue", { skip }, () => {
  let stack: QueueStack;
  let models: Ordering;
  let engine: RedisConnectionSettings;
  let late: ChildProcess;

  before(async () => {
    stack = await startQueueStack(["echo", "lookup"], { engines: 2 });
    engine = {
      ...stack.queue.durable.redis,
      user: "engine",
      passwordFile: String(stack.queue.durable.redis.passwordFile).replace("gateway", "engine"),
    };
    models = await startOrdering(stack);
  });
  after(async () => {
    late?.kill("SIGKILL");
    await models?.close();
    await stack?.stop();
  });

  it("takes a model from every engine, and nothing else from anybody", async () => {
    assert.deepEqual(await models.change("unload"), { status: 200, content: {} });
    assert.deepEqual(await models.say(), ["1 UNAVAILABLE unloaded", "1 UNAVAILABLE unloaded"]);
    const startedAt = performance.now();
    const refused = await models.infer();
    assert.deepEqual([refused.status, refused.content.code], [503, "MODEL_NOT_READY"]);
    assert.ok(performance.now() - startedAt < 1_000, "what nobody will compute is not queued");
    assert.equal((await models.askLookup()).status, 200);
    assert.equal((await fetch(`${models.http}/v2/health/ready`)).status, 200);
  });

  it("is followed by an engine that starts later", async () => {
    const file = join(stack.folder, "late.json");
    const { folder, keys } = stack;
    const settings = {
      redis: engine,
      keyringFile: keys.files.keyring,
      models: join(folder, "models"),
      consumer: "late",
    };
    writeFileSync(file, JSON.stringify({ ...settings, hasLifeline: true }), { mode: 0o600 });
    late = spawn(process.execPath, [ENGINE, file], { stdio: ["pipe", "ignore", "ignore"] });
    await until(async () => (await models.say()).length === 3);
    assert.deepEqual(new Set(await models.say()), new Set(["1 UNAVAILABLE unloaded"]));
  });

  it("loads what is there now, in every engine", async () => {
    models.put("2");
    assert.deepEqual(await models.change("load"), { status: 200, content: {} });
    for (const said of await models.say()) assert.match(said, /2 READY/);
    await until(async () => (await models.infer("/versions/2")).status === 200);
  });

  it("refuses with the engines' own code what they do not have", async () => {
    const unknown = await models.change("load", "nothing");
    assert.deepEqual([unknown.status, unknown.content.code], [404, "MODEL_UNKNOWN"]);
  });

  it("obeys nobody who has no key, and no order twice", async () => {
    await askRedis(engine, forgeOrders);
    await until(() => stack.readLogs().includes("RECORD_MALFORMED") && stack.readLogs().includes("RECORD_TAMPERED"));
    for (const said of await models.say()) assert.match(said, /2 READY/);
    assert.equal((await models.askLookup()).status, 200);
    assert.equal((await models.change("load")).status, 200, "and goes on obeying");
  });

  it("says so, and orders nothing, where an engine cannot follow", async () => {
    await askRedis(engine, async (link) => {
      await link.send("ZADD", names.engines, Date.now() + 60_000, "flink-0");
      await link.send("SET", names.serves("flink-0"), '{"format":1,"versions":[]}', "PX", 60_000);
    });
    await until(async () => (await models.change("load")).status === 501);
    const refused = await models.change("unload");
    assert.deepEqual([refused.status, refused.content.code], [501, "SERVING_UNSUPPORTED"]);
    assert.match(String(refused.content.error), /flink-0/);
    assert.equal((await models.infer("/versions/2")).status, 200);
  });
});
