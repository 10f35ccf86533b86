// SPDX-License-Identifier: Apache-2.0
// What somebody sees of requests, results and models who records the network and reads Redis's disk: nothing.
import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { type Relay, startRelay } from "../../cli/src/serving/relay.ts";
import { sealModel } from "../../packages/inference/src/index.ts";
import { writeOffset } from "../../packages/inference/src/testing/models.ts";
import { type Keys, selectKeys } from "../../packages/pki/src/index.ts";
import { createClient } from "../../packages/serving-client/src/index.ts";
import { encodeRecord } from "../../packages/tensors/src/index.ts";
import { callGrpc } from "../../services/serving-gateway/src/testing/call-grpc.ts";
import { startCapture } from "../e2e/capture.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { assertSealedOnDisk, isIn, readFlows, sendInTheClear, sizeOf, toMarker, uriOf } from "./recorded.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const REQUESTS = 20;
const REQUEST = toMarker(Float32Array.from({ length: 8 }, (_, at) => 4711.0625 + at));
const MODEL = toMarker(Float32Array.from({ length: 8 }, (_, at) => 1234.5 - 3 * at));
/** What the model makes of the request. */
const RESULT = toMarker(REQUEST.values.map((value, at) => value + (MODEL.values[at] ?? 0)));
const MARKERS = [REQUEST, MODEL, RESULT];
const ROW = { name: "x", datatype: "FP32", shape: [1, REQUEST.values.length], data: REQUEST.values } as const;

describe("recorded from the first start to the last answer", { skip }, () => {
  it("neither a wire nor the disk shows a request, a result or a model", async (context) => {
    const capture = await startCapture(context, "lo");
    if (capture === undefined) return context.skip("recording packets needs python3 and CAP_NET_RAW");
    const { stack, gateway, relay } = await startAll(context);
    const id = await askEveryWay(gateway);
    await askByGrpc(gateway);
    await askAsOlderClient(relay.port, stack.queue.record.job);
    const clearPort = await sendInTheClear(MARKERS);
    const flows = readFlows(await capture.stop());

    const redisPort = Number(new URL(stack.queue.durable.redis.url).port);
    const [http, grpc, redis] = [gateway.port, gateway.grpcPort, redisPort].map((port) => sizeOf(flows, port));
    const sizes = { http: http ?? 0, grpc: grpc ?? 0, redis: redis ?? 0 };
    context.diagnostic(`bytes to and from ports: ${JSON.stringify(sizes)}, ${flows.length} flows`);
    // Requests and results were recorded, on both sides of Redis, too.
    assert.ok(sizes.http > REQUESTS * 2 * REQUEST.values.byteLength);
    assert.ok(sizes.grpc > REQUESTS * 2 * REQUEST.values.byteLength);
    assert.ok(sizes.redis > REQUESTS * 4 * REQUEST.values.byteLength);
    // The older client's own connection is in the clear, which is why the relay takes loopback alone.
    const seenAt = new Set(flows.filter(({ bytes }) => isIn(bytes, MARKERS)).flatMap(({ ports }) => ports));
    const clear = [clearPort, relay.port];
    assert.ok(
      clear.every((port) => seenAt.has(port)),
      "the recorder sees what is in the clear",
    );
    for (const { ports, bytes } of flows) {
      if (!ports.some((port) => clear.includes(port))) assert.ok(!isIn(bytes, MARKERS), `seen between ${ports}`);
    }
    const ofRedis = flows.filter(({ ports }) => ports.includes(redisPort));
    assert.ok(!ofRedis.some(({ bytes }) => bytes.includes(stack.queue.record.job)), "not even the stream's name");
    assertSealedOnDisk(stack, uriOf(id), MARKERS);
  });
});

async function startAll(context: TestContext): Promise<{ stack: QueueStack; gateway: TestGateway; relay: Relay }> {
  const stack = await startQueueStack([], {
    makeMore: (keys) => ({
      "secret/1/model.onnx.sealed": sealModel(writeOffset(MODEL.values), masterOf(keys), randomBytes),
    }),
  });
  context.after(() => stack.stop());
  const gateway = await startTestGateway(stack);
  context.after(() => gateway.stop());
  await until(() => gateway.client.isReady("secret").catch(() => false));
  const limits = { mostRecords: 1_000, mostBytes: 2 ** 28 };
  const relay = await startRelay(stack.queue.record, { ...limits, port: 0, model: "secret" });
  context.after(() => relay.close());
  return { stack, gateway, relay };
}

/** As binary, as JSON, and submitted. Gives the id of the last. */
async function askEveryWay({ client, target }: TestGateway): Promise<string> {
  const inJson = createClient({ ...target, form: "json" });
  for (const asker of [client, inJson]) {
    for (let count = 0; count < REQUESTS / 2; count++) {
      const { outputs } = await asker.infer("secret", [ROW]);
      assert.deepEqual(outputs[0]?.data, RESULT.values);
    }
  }
  inJson.close();
  const id = await client.submit("secret", [ROW]);
  assert.deepEqual((await client.result(id))?.outputs[0]?.data, RESULT.values);
  return id;
}

/** With typed and with raw contents. */
async function askByGrpc({ grpcPort, target }: TestGateway): Promise<void> {
  const { data, ...input } = ROW;
  const types = ["ModelInferRequest", "ModelInferResponse"] as const;
  const asked = { model_name: "secret", inputs: [input], raw_input_contents: [Buffer.from(data.buffer)] };
  const typed = { model_name: "secret", inputs: [{ ...input, contents: { fp32_contents: [...data] } }] };
  for (const message of [asked, typed]) {
    for (let count = 0; count < REQUESTS / 2; count++) {
      const call = { method: "ModelInfer", types, message, ...(target.ca === undefined ? {} : { ca: target.ca }) };
      const { outputs, raw_output_contents: raw } = await callGrpc(`localhost:${grpcPort}`, call);
      const [bytes] = raw as Uint8Array[];
      const [output] = outputs as { contents: { fp32_contents: number[] } | null }[];
      const values =
        bytes === undefined ? output?.contents?.fp32_contents : new Float32Array(Uint8Array.from(bytes).buffer);
      assert.deepEqual([...(values ?? [])], [...RESULT.values]);
    }
  }
}

/** What the older client sends, through the relay. */
async function askAsOlderClient(port: number, job: string): Promise<void> {
  const record = encodeRecord([{ name: "x", shape: [REQUEST.values.length], data: REQUEST.values }]);
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let answered = "";
  socket.on("data", (bytes) => {
    answered += bytes.toString("latin1");
  });
  const say = (...words: string[]): void =>
    void socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
  say("XADD", job, "*", "uri", "older", "data", record.toString("base64"));
  await until(() => {
    say("HGETALL", `cluster-serving_${job}:older`);
    return answered.includes("*2\r\n$5\r\nvalue\r\n");
  });
  socket.destroy();
  assert.ok(!answered.includes("NaN"));
}

function masterOf({ keyring }: Keys) {
  const [master] = selectKeys(keyring, ["serving-records"]).keys;
  const [version] = master?.versions ?? [];
  assert.ok(master && version);
  return { id: master.id, version: version.version, key: createSecretKey(Buffer.from(version.key, "base64")) };
}
