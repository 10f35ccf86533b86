// SPDX-License-Identifier: Apache-2.0
// Every refusal on every surface: each caller is answered in his own dialect, whatever went wrong and wherever.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { BulwarkError, type ErrorCode, toHttpStatus } from "../../packages/contracts/src/errors/index.ts";
import { addDataKey, initKeys, selectKeys } from "../../packages/pki/src/index.ts";
import {
  createIntake,
  createRandom,
  type Link,
  nameKeys,
  type RedisConnectionSettings,
  type RelayParts,
  readFacts,
  serveRelayClient,
  toRecordKeys,
} from "../../packages/queue/src/index.ts";
import { encodeRecord } from "../../packages/tensors/src/index.ts";
import { type GatewayConfig, parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import {
  callGrpc,
  type ServiceError,
  sendGrpcBytes,
  status,
} from "../../services/serving-gateway/src/testing/call-grpc.ts";
import { askRelay } from "./ask-relay.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENGINE = fileURLToPath(new URL("../../services/inference-engine/src/main.ts", import.meta.url));
const BODY_BYTES = 100_000;
const names = nameKeys("serving_stream");
const fillRandom = createRandom();

/** The model's own input, as each surface has it. */
const INPUT = { name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] as unknown[] };
const DEEP = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
const ARROW = { "content-type": "application/vnd.apache.arrow.stream" };

const rest = (change: object = {}): object => ({ inputs: [{ ...INPUT, ...change }] });
const wire = (change: object = {}, contents: object = { fp32_contents: [1, 2] }): object => ({
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], contents, ...change }],
});
const older = (x: unknown): object => ({ instances: [{ x }] });
const record = (shape: readonly number[], data: readonly number[]): string =>
  encodeRecord([{ name: "x", shape: [...shape], data: Float32Array.from(data) }]).toString("base64");

/** A request on each surface; absent where the surface has no such fault. */
type Row = {
  code: ErrorCode;
  rest?: { body: object | string; path?: string; headers?: Record<string, string> };
  grpc?: { message: object; path?: string };
  /** `NaN`: the instance is answered so; else the answer is an error. */
  older?: { body: object | string; path?: string; is: "NaN" | number };
  relay?: { fields: Record<string, string>; is: RegExp };
};

const NAN = /^NaN$/;
const fine: Row = {
  code: "BUG",
  rest: { body: rest() },
  grpc: { message: wire() },
  older: { body: older([1, 2]), is: 500 },
  relay: { fields: { data: record([2], [1, 2]) }, is: NAN },
};

const FAULTS: Readonly<Record<string, Row>> = {
  "a body that is none": {
    code: "TENSOR_MALFORMED",
    rest: { body: "{" },
    older: { body: "{", is: 400 },
    relay: { fields: { data: "{", serde: "stream" }, is: NAN },
  },
  "Arrow that is none": {
    code: "TENSOR_MALFORMED",
    rest: { body: "no arrow", headers: ARROW },
    relay: { fields: { data: Buffer.from("no arrow").toString("base64") }, is: NAN },
  },
  "another shape": {
    code: "TENSOR_SHAPE",
    rest: { body: rest({ shape: [2] }) },
    grpc: { message: wire({ shape: [2] }) },
    older: { body: older([[[[1, 2]]]]), is: "NaN" },
    relay: { fields: { data: record([1, 1, 1, 2], [1, 2]) }, is: NAN },
  },
  "a negative dimension": {
    code: "TENSOR_SHAPE",
    rest: { body: rest({ shape: [-1, 2] }) },
    grpc: { message: wire({ shape: [-1, 2] }) },
    relay: { fields: { data: record([-1, 2], [1, 2]) }, is: NAN },
  },
  "another datatype": {
    code: "TENSOR_DATATYPE",
    rest: { body: rest({ datatype: "FP64" }) },
    grpc: { message: wire({ datatype: "FP64" }, { fp64_contents: [1, 2] }) },
    older: { body: older("no image"), is: "NaN" },
    relay: { fields: { data: JSON.stringify(older("no image")), serde: "stream" }, is: NAN },
  },
  "a missing input": {
    code: "TENSOR_MISSING",
    rest: { body: { inputs: [] } },
    grpc: { message: { inputs: [] } },
    older: { body: { instances: [{}] }, is: "NaN" },
    relay: { fields: { data: '{"instances":[{}]}', serde: "stream" }, is: NAN },
  },
  "depth 10,000": {
    code: "TENSOR_SHAPE",
    rest: { body: JSON.stringify(rest()).replace("[1,2]}", `${DEEP}}`) },
    older: { body: `{"instances":[{"x":${DEEP}}]}`, is: 400 },
    relay: { fields: { data: `{"instances":[{"x":${DEEP}}]}`, serde: "stream" }, is: NAN },
  },
  "NaN among the values": {
    code: "TENSOR_VALUE",
    rest: { body: rest({ data: ["NaN", 1] }) },
    grpc: { message: wire({}, { fp32_contents: [Number.NaN, 1] }) },
    relay: { fields: { data: record([2], [Number.NaN, 1]) }, is: NAN },
  },
  "an unknown model": {
    code: "MODEL_UNKNOWN",
    rest: { body: rest(), path: "nobody" },
    grpc: { message: wire(), path: "nobody" },
    older: { body: older([1, 2]), path: "/models/nobody/versions/1/predict", is: 404 },
  },
  "an unknown version": {
    code: "MODEL_VERSION_UNKNOWN",
    rest: { body: rest(), path: "echo/versions/9" },
    grpc: { message: { ...wire(), model_version: "9" } },
    older: { body: older([1, 2]), path: "/models/echo/versions/9/predict", is: 404 },
  },
  "a body that is too large": {
    code: "TENSOR_TOO_LARGE",
    rest: { body: " ".repeat(BODY_BYTES + 1) },
    older: { body: " ".repeat(BODY_BYTES + 1), is: 413 },
  },
  "a uri with a colon": {
    code: "QUEUE_URI_INVALID",
    relay: { fields: { uri: "a:b", data: record([2], [1, 2]) }, is: /^-ERR QUEUE_URI_INVALID / },
  },
  "a path that is none": {
    code: "SERVING_ROUTE",
    rest: { body: rest(), path: "echo/nothing" },
    older: { body: older([1, 2]), path: "/models/echo/nothing", is: 404 },
  },
};

/** gRPC's own statuses, as the guide lists them. */
const STATUSES: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  413: status.INVALID_ARGUMENT,
  500: status.INTERNAL,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

const statusOf = (code: ErrorCode): number => toHttpStatus(new BulwarkError(code, "", ""));

/** Where requests of one kind go. */
type Place = { gateway: Started; relay: number };

describe("each caller is refused in his own dialect", { skip }, () => {
  let stack: QueueStack;
  /** The relays' connection, as long as it is held. */
  let link: Link;
  let held: Promise<void> | undefined;
  const released = Promise.withResolvers<void>();
  let engine: ChildProcess;
  let engineRedis: RedisConnectionSettings;
  const gateways: Started[] = [];
  const relays: Server[] = [];
  let sound: Place;

  const startEngine = (): ChildProcess => {
    const file = join(stack.folder, "engine.json");
    const { keys, folder } = stack;
    const settings = { redis: engineRedis, keyringFile: keys.files.keyring, models: join(folder, "models") };
    const own = { consumer: "one", minIdleMs: 2_000, hasLifeline: true, older: { model: "echo" } };
    writeFileSync(file, JSON.stringify({ ...settings, ...own }), { mode: 0o600 });
    return spawn(process.execPath, [ENGINE, file], { stdio: ["pipe", "ignore", "ignore"] });
  };

  const openGateway = async (settings: Partial<GatewayConfig>, durable: object = {}): Promise<Started> => {
    const { queue } = stack;
    const given = {
      ...{ delivery: { "*": "durable" }, httpPort: 0, grpcPort: 0, bodyBytes: BODY_BYTES, canaryMs: 0 },
      durable: { ...queue.durable, mostRecords: 1_000, mostBytes: 2 ** 28, budgetMs: 30_000, ...durable },
      ...settings,
    };
    const gateway = await startGateway(parseConfig(JSON.stringify(given), "test"));
    gateways.push(gateway);
    return gateway;
  };

  const openRelay = async (parts: Partial<RelayParts>, mostRecords = 1_000): Promise<number> => {
    const [key] = selectKeys(stack.keys.keyring, ["serving-records"]).keys;
    const own: RelayParts = {
      ...{ names, intake: createIntake(link, names, { mostRecords, mostBytes: 2 ** 28 }) },
      ...{ facts: () => readFacts(link), model: "echo", keys: toRecordKeys(key ?? assert.fail()), fillRandom },
      ...{ budgetMs: 60_000, patienceMs: 0, now: () => performance.now(), pause: (ms) => delay(ms) },
    };
    const server = createServer((socket) => void serveRelayClient(socket, { ...own, ...parts }));
    relays.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : assert.fail();
  };

  before(async () => {
    stack = await startQueueStack(["echo"], { engines: 0 });
    const { queue } = stack;
    const asUser = (user: string): RedisConnectionSettings => ({
      ...queue.durable.redis,
      user,
      passwordFile: String(queue.durable.redis.passwordFile).replace("gateway", user),
    });
    engineRedis = asUser("engine");
    const connected = Promise.withResolvers<Link>();
    held = askRedis(asUser("relay"), (given) => {
      connected.resolve(given);
      return released.promise;
    });
    link = await connected.promise;
    engine = startEngine();
    sound = { gateway: await openGateway({}), relay: await openRelay({}) };
    await until(async () => (await fetch(`${sound.gateway.addresses.http}/v2/models/echo/ready`)).status === 200);
  });
  after(async () => {
    engine?.kill("SIGKILL");
    for (const relay of relays) relay.close();
    for (const gateway of gateways) await gateway.close();
    released.resolve();
    await held;
    await stack?.stop();
  });

  const checkRest = async ({ gateway }: Place, { code, rest: asked }: Row): Promise<void> => {
    if (asked === undefined) return;
    const { body, path = "echo", headers = {} } = asked;
    const answer = await fetch(`${gateway.addresses.http}/v2/models/${path}/infer`, {
      ...{ method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) },
    });
    const text = await answer.text();
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/, text);
    const problem = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([answer.status, problem.code], [statusOf(code), code], text);
    assert.deepEqual([typeof problem.error, typeof problem.mend], ["string", "string"]);
    assert.equal(answer.headers.has("retry-after"), statusOf(code) === 503);
  };

  const checkGrpc = async ({ gateway }: Place, { code, grpc }: Row): Promise<void> => {
    if (grpc === undefined) return;
    const { message, path = "echo" } = grpc;
    const types = ["ModelInferRequest", "ModelInferResponse"] as const;
    const call = { method: "ModelInfer", types, message: { model_name: path, ...message } };
    await assert.rejects(callGrpc(gateway.addresses.grpc ?? "", call), (error: ServiceError) => {
      const told = String(error.metadata.get("bulwark-code")[0]);
      assert.deepEqual([told, error.code], [code, STATUSES[statusOf(code)] ?? status.INTERNAL], error.details);
      return true;
    });
  };

  const checkOlder = async ({ gateway }: Place, { code, older: asked }: Row): Promise<void> => {
    if (asked === undefined) return;
    const { body, path = "/predict", is } = asked;
    const content = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(`${gateway.addresses.http}${path}`, { method: "POST", body: content });
    const text = await answer.text();
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/, text);
    if (is === "NaN") {
      const [prediction = ""] = (JSON.parse(text) as { predictions: string[] }).predictions;
      assert.deepEqual([answer.status, JSON.parse(prediction)], [200, { value: "NaN" }]);
      return;
    }
    assert.equal(answer.status, is, text);
    if (text !== "Model Not Found") assert.ok(text.startsWith(`${code}: `), text);
  };

  const checkRelay = async ({ relay }: Place, { relay: asked }: Row): Promise<void> => {
    if (asked === undefined) return;
    const { uri = crypto.randomUUID(), ...fields } = asked.fields;
    const words = Object.entries({ uri, ...fields }).flat();
    const taken = await askRelay(relay, ["XADD", names.job, "*", ...words]);
    if (!taken.startsWith("$")) return assert.match(taken, asked.is);
    let value = "";
    await until(async () => {
      const answer = await askRelay(relay, ["HGETALL", names.result(uri)]);
      value = answer.split("\r\n").at(-2) ?? "";
      return answer !== "*0\r\n";
    });
    assert.match(value, asked.is);
  };

  const checkAll = (place: Place, row: Row): Promise<unknown> =>
    Promise.all([checkRest(place, row), checkGrpc(place, row), checkOlder(place, row), checkRelay(place, row)]);

  for (const [fault, row] of Object.entries(FAULTS)) {
    it(fault, async () => {
      await checkAll(sound, row);
    });
  }

  it("a sealed request whose uri has a colon", async () => {
    const headers = { "content-type": "application/vnd.bulwark.sealed", "bulwark-uri": "a:b" };
    const url = `${sound.gateway.addresses.http}/v2/models/echo/requests`;
    const answer = await fetch(url, { method: "POST", headers, body: "BWR1" });
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, "QUEUE_URI_INVALID"]);
  });

  it("a model that the relay's engines do not have", async () => {
    const nobody = { gateway: sound.gateway, relay: await openRelay({ model: "nobody" }) };
    await checkRelay(nobody, fine);
  });

  it("gRPC messages that are none or too large, and a relay's command that is none", async () => {
    const send = (bytes: Buffer) => sendGrpcBytes(sound.gateway.addresses.grpc ?? "", "ModelInfer", bytes);
    const unreadable = await send(Buffer.from([0x0a, 0xff]));
    const told = unreadable.metadata.get("bulwark-code");
    assert.deepEqual([unreadable.code, told], [status.INVALID_ARGUMENT, ["SERVING_REQUEST"]]);
    const large = await send(Buffer.alloc(BODY_BYTES + 1));
    assert.deepEqual(
      [large.code, large.metadata.get("bulwark-code")],
      [status.RESOURCE_EXHAUSTED, ["TENSOR_TOO_LARGE"]],
    );
    assert.match(await askRelay(sound.relay, ["FLUSHALL"]), /^-ERR unknown command/);
  });

  it("a deadline that has passed", async () => {
    const hasty = await openGateway({ requestMs: 1 });
    const row: Row = { ...fine, code: "SERVING_DEADLINE", older: { body: older([1, 2]), is: 504 } };
    const place = { ...sound, gateway: hasty };
    await Promise.all([checkRest(place, row), checkGrpc(place, row), checkOlder(place, row)]);
  });

  it("a full queue", async () => {
    const full = await openGateway({}, { mostRecords: 0 });
    await checkAll(
      { gateway: full, relay: await openRelay({}, 0) },
      {
        ...{ ...fine, code: "QUEUE_FULL", older: { body: older([1, 2]), is: 503 } },
        relay: { fields: { data: record([2], [1, 2]) }, is: /^-OOM QUEUE_FULL / },
      },
    );
  });

  it("records sealed with a key that the live engine does not have, or has another of", async () => {
    await initKeys(join(stack.folder, "other"), { now: new Date(), keyNames: ["serving-records"] });
    const stranger = await addDataKey(join(stack.folder, "other"), { id: "stranger", now: new Date() });
    const keyringFile = stranger.files.keyring;
    for (const [recordKey, code] of [
      ["serving-records", "RECORD_TAMPERED"],
      ["stranger", "RECORD_KEY_UNKNOWN"],
    ] as const) {
      const gateway = await openGateway({}, { keyringFile, recordKey });
      const [key] = selectKeys(stranger.keyring, [recordKey]).keys;
      const place = { gateway, relay: await openRelay({ keys: toRecordKeys(key ?? assert.fail()) }) };
      await checkAll(place, { ...fine, code, older: { body: older([1, 2]), is: older500(code) } });
    }
  });

  it("records that were changed in Redis, and one that no engine took in time", async () => {
    const ended = once(engine, "exit");
    engine.kill("SIGKILL");
    await ended;
    const code = "RECORD_TAMPERED";
    const checks = checkAll(sound, { ...fine, code, older: { body: older([1, 2]), is: older500(code) } });
    await askRedis(engineRedis, async (intruder) => {
      type Entry = [Buffer, Buffer[]];
      const read = async () => (await intruder.send("XRANGE", names.job, "-", "+")) as Entry[];
      await until(async () => (await read()).length === 4);
      for (const [id, flat] of await read()) {
        const data = flat[flat.findIndex((field) => String(field) === "data") + 1] ?? assert.fail();
        data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
        await intruder.send("XADD", names.job, "*", ...flat);
        await intruder.send("XDEL", names.job, String(id));
      }
    });
    const late = checkRelay({ ...sound, relay: await openRelay({ budgetMs: 1 }) }, fine);
    engine = startEngine();
    await Promise.all([checks, late]);
  });
});

/** `/predict` had one status for whatever failed. */
const older500 = (code: ErrorCode): number => (statusOf(code) === 503 ? 503 : 400);
