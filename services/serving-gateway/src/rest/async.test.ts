// SPDX-License-Identifier: Apache-2.0
// Requests submitted over HTTP, through a real Redis. The engine's side is played by the test, on the queue itself.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { writeSum } from "@bulwark/inference/testing";
import { addDataKey, initKeys, parseKeyring, selectKeys } from "@bulwark/pki";
import {
  createRandom,
  createWork,
  decodeRequest,
  decodeResult,
  encodeRequest,
  encodeResult,
  makeDataKey,
  nameKeys,
  type RecordKeys,
  type ResultContent,
  readDataKey,
  seal,
  toRecordKeys,
  unseal,
  type Work,
  writeKeptUri,
} from "@bulwark/queue";
import { findRedisPrograms, startTestRedis, type TestRedis } from "@bulwark/queue/testing";
import { createClient } from "@bulwark/serving-client";
import type { Tensor } from "@bulwark/tensors";
import { parseConfig } from "../config.ts";
import { type Started, startGateway } from "../start.ts";
import { callGrpc } from "../testing/call-grpc.ts";
import { sign } from "../webhooks/send.ts";
import { SEALED_TYPE } from "./async.ts";

const [program] = findRedisPrograms();
const SECRET = "a secret that is long enough";
const fillRandom = createRandom();
const names = nameKeys("serving_stream");
const sum: Tensor = { name: "y", datatype: "FP32", shape: [1, 1], data: Float32Array.of(3) };
const done: ResultContent = { kind: "tensors", model: "sum", version: "1", outputs: [sum] };
const body = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }] });
type Body = { id: string; state: string; code: string; outputs: { data: number[] }[] };

describe("asynchronous requests", { skip: program === undefined ? "no redis-server here" : false }, () => {
  let redis: TestRedis;
  let root: string;
  let started: Started;
  let work: Work;
  let keys: RecordKeys;
  let base: string;
  let settings: Record<string, unknown>;
  let receiver: Server;
  const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  let refusals = 1;

  before(async () => {
    redis = await startTestRedis(program ?? assert.fail());
    root = await mkdtemp(join(tmpdir(), "bulwark-async-"));
    await mkdir(join(root, "models/sum/1"), { recursive: true });
    await writeFile(join(root, "models/sum/1/model.onnx"), writeSum());
    await writeFile(join(root, "secret"), SECRET, { mode: 0o600 });
    await initKeys(join(root, "keys"), { now: new Date() });
    const { files } = await addDataKey(join(root, "keys"), { id: "records", now: new Date() });
    const [key] = selectKeys(parseKeyring(await readFile(files.keyring, "utf8")), ["records"]).keys;
    keys = toRecordKeys(key ?? assert.fail());
    const queue = { redis: { url: redis.url }, job: names.job, keyringFile: files.keyring, recordKey: "records" };
    settings = {
      ...{
        models: join(root, "models"),
        httpPort: 0,
        webhooks: { secretFile: join(root, "secret"), allowPrivate: true },
      },
      durable: { ...queue, mostRecords: 1000, mostBytes: 1e9, budgetMs: 10_000 },
    };
    started = await startGateway(parseConfig(JSON.stringify(settings), "test"));
    base = started.addresses.http ?? "";
    const engine = { consumer: "e", minIdleMs: 60_000, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 100 };
    work = createWork({ reader: await redis.connect(), commands: await redis.connect(), now: Date.now }, names, engine);
    await work.open();
    receiver = createServer(async (request, response) => {
      calls.push({ headers: request.headers, body: await text(request) });
      response.writeHead(refusals-- > 0 ? 503 : 204).end();
    }).listen(0, "127.0.0.1");
  });
  after(async () => {
    receiver.close();
    await started.close();
    await redis.stop();
    await rm(root, { recursive: true, force: true });
  });

  const submit = (content: string | Buffer = body, headers: Record<string, string> = {}, model = "sum") =>
    fetch(`${base}/v2/models/${model}/requests`, {
      method: "POST",
      body: typeof content === "string" ? content : Uint8Array.from(content),
      headers,
    });
  const get = (id: string, query = "", headers: Record<string, string> = {}) =>
    fetch(`${base}/v2/requests/${id}${query}`, { headers });
  const idOf = async (answer: Response): Promise<string> => ((await answer.json()) as Body).id;

  /** Ends the next record as an engine would; gives its priority. */
  const compute = async (content: ResultContent): Promise<string> => {
    const [delivery] = await work.take(1, 5_000);
    assert.ok(delivery);
    const place = { stream: names.job, uri: delivery.uri, model: "sum" };
    const dataKey = readDataKey(keys, delivery.data, place);
    assert.equal(decodeRequest(unseal(dataKey, delivery.data, ["request", place])).kind, "tensors");
    const value = seal(dataKey, encodeResult(content), ["result", place], fillRandom);
    assert.ok(await work.finish({ delivery, value }));
    return delivery.priority;
  };

  it("have the priority that they ask for, as those that are waited for and those of the older surface", async () => {
    const waiting = await startGateway(
      parseConfig(JSON.stringify({ ...settings, grpcPort: 0, delivery: { "*": "durable" } }), "test"),
    );
    try {
      const { http = "", grpc = "" } = waiting.addresses;
      const inputs = [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }];
      for (const [priority, wanted] of [
        [1, "high"],
        [0, "normal"],
        [2, "normal"],
        [9, "low"],
      ] as const) {
        const infer = fetch(`${http}/v2/models/sum/infer`, {
          method: "POST",
          body: JSON.stringify({ inputs, parameters: { priority } }),
        });
        assert.equal(await compute(done), wanted);
        assert.equal((await infer).status, 200);
        const wire = { name: "x", datatype: "FP32", shape: [1, 2], contents: { fp32_contents: [1, 2] } };
        const call = callGrpc(grpc, {
          method: "ModelInfer",
          types: ["ModelInferRequest", "ModelInferResponse"],
          message: { model_name: "sum", parameters: { priority: { int64_param: priority } }, inputs: [wire] },
        });
        assert.equal(await compute(done), wanted);
        assert.equal((await call).model_name, "sum");
        // The model is computed directly there, and older requests are queued all the same.
        const older = fetch(`${base}/predict`, {
          method: "POST",
          body: JSON.stringify({ instances: [{ x: [1, 2] }] }),
          headers: { "bulwark-priority": String(priority) },
        });
        assert.equal(await compute(done), wanted);
        assert.equal((await older).status, 200);
        const id = await idOf(await submit(JSON.stringify({ inputs, parameters: { priority } })));
        assert.equal(await compute(done), wanted);
        assert.equal((await get(id)).status, 200);
      }
      const refused = await submit(JSON.stringify({ inputs, parameters: { priority: "high" } }));
      assert.deepEqual([refused.status, ((await refused.json()) as Body).code], [400, "SERVING_REQUEST"]);
    } finally {
      await waiting.close();
    }
  });

  it("are taken in at once, and wait for their result as long as they are asked to", async () => {
    const answer = await submit();
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as Body;
    assert.equal(answer.headers.get("location"), `/v2/requests/${id}`);
    const pending = await get(id);
    assert.deepEqual([pending.status, pending.headers.get("retry-after")], [202, "1"]);
    const polled = get(id, "?wait=30");
    await compute(done);
    const result = await polled;
    assert.equal(result.status, 200);
    assert.deepEqual(((await result.json()) as Body).outputs[0]?.data, [3]);
    const binary = await get(id, "", { accept: "application/octet-stream" });
    assert.equal(
      Buffer.from(await binary.arrayBuffer()).readFloatLE(
        Number(binary.headers.get("inference-header-content-length")),
      ),
      3,
    );
  });

  it("fail with the code that their engine gives", async () => {
    const id = await idOf(await submit());
    await compute({ kind: "failure", code: "MODEL_FAILED", message: "m", mend: "n" });
    const answer = await get(id, "?wait=5");
    assert.deepEqual([answer.status, ((await answer.json()) as Body).code], [500, "MODEL_FAILED"]);
  });

  it("are taken back, and their results removed", async () => {
    const id = await idOf(await submit());
    assert.equal((await fetch(`${base}/v2/requests/${id}`, { method: "DELETE" })).status, 204);
    assert.deepEqual(await work.take(1, 50), []);
    assert.equal((await get(id)).status, 404);
    const kept = await idOf(await submit());
    // The place of another's record does not open it to me.
    const forged = id.split(".").slice(0, 2).concat(kept.split(".").slice(2)).join(".");
    assert.equal((await fetch(`${base}/v2/requests/${forged}`, { method: "DELETE" })).status, 204);
    await compute(done);
    assert.equal((await get(kept, "?wait=5")).status, 200);
    assert.equal((await fetch(`${base}/v2/requests/${kept}`, { method: "DELETE" })).status, 204);
    assert.equal((await get(kept)).status, 404);
  });

  it("tell a webhook when they ended, signed, again when it is refused", async () => {
    const { port } = receiver.address() as AddressInfo;
    const asked = { ...JSON.parse(body), parameters: { webhook: `http://127.0.0.1:${port}/here` } };
    const id = await idOf(await submit(JSON.stringify(asked)));
    await compute(done);
    for (const limit = Date.now() + 10_000; calls.length < 2; await new Promise((resolve) => setTimeout(resolve, 20))) {
      assert.ok(Date.now() < limit, "called twice");
    }
    const [first, second] = calls;
    assert.equal(first?.headers["webhook-id"], second?.headers["webhook-id"]);
    const signed = `${id}.${second?.headers["webhook-timestamp"]}.${second?.body}`;
    assert.equal(second?.headers["webhook-signature"], `v1,${sign(Buffer.from(SECRET), signed)}`);
    const { state, location } = JSON.parse(second?.body ?? "") as { state: string; location: string };
    assert.deepEqual([state, location], ["succeeded", `/v2/requests/${id}`]);
  });

  it("can be sealed from the caller to the engine and back", async () => {
    const uri = writeKeptUri(randomUUID(), "sum");
    const place = { stream: names.job, uri, model: "sum" };
    const dataKey = makeDataKey(keys, place, fillRandom);
    const content = encodeRequest({ kind: "tensors", inputs: [{ ...sum, name: "x" }] });
    const sealed = seal(dataKey, content, ["request", place], fillRandom);
    const headers = { "content-type": SEALED_TYPE, "bulwark-uri": uri };
    const id = await idOf(await submit(sealed, headers));
    await compute(done);
    const answer = await get(id, "?wait=5", { accept: SEALED_TYPE });
    const value = Buffer.from(await answer.arrayBuffer());
    assert.deepEqual(decodeResult(unseal(dataKey, value, ["result", place])), done);
    assert.equal(((await (await submit(Buffer.from("no"), headers)).json()) as Body).code, "RECORD_MALFORMED");
    assert.equal(
      ((await (await submit(sealed, { ...headers, "bulwark-uri": "x" })).json()) as Body).code,
      "QUEUE_URI_INVALID",
    );
  });

  it("are sealed, sent, awaited and opened by the client", async () => {
    const client = createClient({ url: base, sealing: { keys } });
    const asked = client.infer("sum", [{ ...sum, name: "x" }]);
    await compute(done);
    assert.deepEqual((await asked).outputs, [sum]);
    const plain = createClient({ url: base });
    const two: Tensor = { name: "x", datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
    assert.deepEqual((await plain.infer("sum", [two])).outputs[0]?.data, Float32Array.of(3));
    const id = await plain.submit("sum", [two]);
    assert.equal(await plain.result(id, { timeoutMs: 50 }), undefined);
    await compute(done);
    assert.deepEqual((await plain.result(id))?.outputs, [sum]);
    await plain.remove(id);
    for (const one of [client, plain]) one.close();
  });

  for (const [what, status, code, ask] of [
    ["an unknown model", 404, "MODEL_UNKNOWN", () => submit(body, {}, "no")],
    ["a body that is no JSON", 400, "TENSOR_MALFORMED", () => submit("{")],
    ["an unknown id", 404, "RESULT_UNKNOWN", () => get("nonsense")],
    ["a wait that is too long", 400, "SERVING_REQUEST", () => get("~a.c3Vt.1-0.1", "?wait=61")],
    [
      "a webhook that is no URL",
      400,
      "WEBHOOK_REFUSED",
      () => submit(JSON.stringify({ ...JSON.parse(body), parameters: { webhook: "x" } })),
    ],
  ] as const) {
    it(`are refused with a code: ${what}`, async () => {
      const answer = await ask();
      assert.deepEqual([answer.status, ((await answer.json()) as Body).code], [status, code]);
    });
  }

  it("show in the metrics what waits, what died and how old it is", async () => {
    const id = await idOf(await submit());
    const read = async () => await (await fetch(`${base}/metrics`)).text();
    const limit = Date.now() + 5_000;
    while (!/^bulwark_serving_queue_records\{priority="normal"\} 1$/m.test(await read())) {
      assert.ok(Date.now() < limit, await read());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const metrics = await read();
    for (const line of [
      /^bulwark_serving_queue_up 1$/m,
      /^bulwark_serving_queue_oldest_seconds\{job="serving_stream"\} \d/m,
      /^bulwark_serving_queue_dead_letters\{job="serving_stream"\} 0$/m,
      /^bulwark_serving_queue_lost_total\{job="serving_stream"\} 0$/m,
      /^bulwark_serving_webhooks_total\{outcome="delivered"\} 1$/m,
    ]) {
      assert.match(metrics, line);
    }
    await fetch(`${base}/v2/requests/${id}`, { method: "DELETE" });
  });

  it("need a queue", async () => {
    const direct = await startGateway(
      parseConfig(JSON.stringify({ models: join(root, "models"), httpPort: 0 }), "test"),
    );
    const answer = await fetch(`${direct.addresses.http}/v2/models/sum/requests`, { method: "POST", body });
    assert.deepEqual([answer.status, ((await answer.json()) as Body).code], [501, "SERVING_UNSUPPORTED"]);
    await direct.close();
  });

  it("do not hold the server when it ends", async () => {
    const id = await idOf(await submit());
    const polled = get(id, "?wait=60");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await started.close();
    assert.equal((await polled).status, 202);
  });
});
