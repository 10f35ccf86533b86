// SPDX-License-Identifier: Apache-2.0
// Models of Flink's task managers are loaded and unloaded while they run, by order of a gateway, beside an embedded engine.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { nameKeys } from "../../packages/queue/src/index.ts";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import { askWhile } from "../serving/load.ts";
import { until } from "../serving/stack.ts";
import { askAsEngine, type FlinkStack, skip, startFlinkStack } from "./stack.ts";

const ECHO = { inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] };
const LOOKUP = { inputs: [{ name: "x", datatype: "INT64", shape: [1], data: [3] }] };
const PARALLELISM = 2;
const ENGINES = PARALLELISM + 1;
const CALLERS = 16;
const LOADS = 3;
const BACK_MS = 90_000;
const names = nameKeys("serving_stream");

type Said = {
  versions: { model: string; version: string; state: string; reason?: string }[];
  carriedOut?: { upTo: string };
};

describe("load and unload behind the queue, with Flink", { skip }, () => {
  let stack: FlinkStack;
  let gateway: Started;

  const post = async (path: string, body: object = {}) => {
    const answer = await fetch(`${gateway.addresses.http}${path}`, { method: "POST", body: JSON.stringify(body) });
    const content = (await answer.json()) as { code?: string; [key: string]: unknown };
    return { status: answer.status, content };
  };
  const change = (verb: "load" | "unload", model = "echo") => post(`/v2/repository/models/${model}/${verb}`);
  const infer = (version = "") => post(`/v2/models/echo${version}/infer`, ECHO);

  const put = (version: string): void => {
    const folder = join(stack.folder, "models", "echo", version);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "model.onnx"), writeIdentity("FP32", "n", "m"));
  };

  /** What each engine alive says, by its name. */
  const listen = (): Promise<Map<string, Said>> =>
    askRedis(stack.queue.record.redis, async (link) => {
      const engines = (await link.send("ZRANGEBYSCORE", names.engines, "-inf", "+inf")) as Buffer[];
      const said = await Promise.all(
        engines.map(async (one) => [String(one), await link.send("GET", names.serves(String(one)))] as const),
      );
      return new Map(said.flatMap(([name, text]) => (text === null ? [] : [[name, JSON.parse(String(text))]])));
    });
  /** What they say of the model. */
  const say = async (): Promise<string[]> =>
    [...(await listen()).values()].map(({ versions }) => {
      const ours = versions.filter(({ model }) => model === "echo");
      return ours.map(({ version, state, reason = "" }) => `${version} ${state} ${reason}`.trim()).join(", ");
    });
  const everywhere = (said: string): string[] => Array.from({ length: ENGINES }, () => said);

  before(async () => {
    stack = await startFlinkStack(["echo", "lookup"], { engines: 1, parallelism: PARALLELISM });
    const { queue, keys } = stack;
    const durable = { ...queue.durable, keyringFile: keys.files.keyring, mostRecords: 1000, mostBytes: 2 ** 28 };
    const settings = { delivery: { "*": "durable" }, durable: { ...durable, budgetMs: 30_000 }, httpPort: 0 };
    gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"));
    await until(async () => (await infer()).status === 200 && (await say()).length === ENGINES);
  });
  after(async () => {
    await gateway?.close();
    await stack?.stop();
  });

  it("takes a model from every subtask, and nothing else", async () => {
    assert.deepEqual(await change("unload"), { status: 200, content: {} });
    assert.deepEqual(await say(), everywhere("1 UNAVAILABLE unloaded"));
    const refused = await infer();
    assert.deepEqual([refused.status, refused.content.code], [503, "MODEL_NOT_READY"]);
    assert.equal((await post("/v2/models/lookup/infer", LOOKUP)).status, 200);
  });

  it("is obeyed by a task manager that starts later, before it takes records", async () => {
    const [name] = [...(await listen()).keys()].filter((one) => one.startsWith("flink-"));
    assert.ok(name);
    for (const number of [1, 2]) {
      const part = stack.queue.processes[`flink-taskmanager-${number}`] ?? assert.fail();
      process.kill(part.pid() ?? assert.fail(), "SIGKILL");
    }
    // What it said last is believed for some seconds.
    await until(async () => !(await listen()).has(name), BACK_MS);
    await until(async () => (await say()).length === ENGINES, BACK_MS);
    assert.deepEqual(await say(), everywhere("1 UNAVAILABLE unloaded"));
  });

  it("loads what is there now, in every subtask", async () => {
    put("2");
    assert.deepEqual(await change("load"), { status: 200, content: {} });
    for (const said of await say()) assert.match(said, /2 READY/);
    assert.equal((await infer("/versions/2")).status, 200);
  });

  it("costs nobody an answer who asks meanwhile", async (context) => {
    const counts = await askWhile(stack.gateway, { callers: CALLERS }, async (seen) => {
      for (let version = 3; version < 3 + LOADS; version++) {
        const { answered } = seen;
        await until(() => seen.answered > answered + 200);
        put(String(version));
        assert.deepEqual(await change("load"), { status: 200, content: {} });
      }
    });
    const { answered, wrong, lost, refused, slowestMs } = counts;
    context.diagnostic(`${LOADS} loads, ${answered} answered, slowest ${Math.round(slowestMs)} ms`);
    assert.deepEqual({ wrong, lost, refused }, { wrong: 0, lost: [], refused: 0 });
    for (const said of await say()) assert.match(said, /5 READY/);
  });

  it("tells what a subtask fails with, and goes on", async () => {
    const unknown = await change("load", "nothing");
    assert.deepEqual([unknown.status, unknown.content.code], [404, "MODEL_UNKNOWN"]);
    mkdirSync(join(stack.folder, "models", "lookup", "9"), { recursive: true });
    writeFileSync(join(stack.folder, "models", "lookup", "9", "model.onnx"), "this is no model");
    assert.notEqual((await change("load", "lookup")).status, 200);
    assert.equal((await post("/v2/models/lookup/infer", LOOKUP)).status, 200, "what is served goes on being served");
  });

  it("obeys nobody who has no key, and no order twice", async () => {
    const [first] = await askAsEngine(
      stack,
      async (link) => (await link.send("XRANGE", names.orders, "-", "+")) as [Buffer, Buffer[]][],
    );
    const [, unload = []] = first ?? [];
    const last = await askAsEngine(stack, async (link) => {
      await link.send("XADD", names.orders, "*", ...unload);
      await link.send("XADD", names.orders, "*", "model", "echo", "order", "unload 1");
      const moved = unload.map((field) => (String(field) === "echo" ? "lookup" : field));
      return String(await link.send("XADD", names.orders, "*", ...moved));
    });
    await until(async () => [...(await listen()).values()].every(({ carriedOut }) => carriedOut?.upTo === last));
    for (const said of await say()) assert.match(said, /5 READY/);
    assert.equal((await post("/v2/models/lookup/infer", LOOKUP)).status, 200);
    assert.equal((await change("load")).status, 200, "and goes on obeying");
  });
});
