// SPDX-License-Identifier: Apache-2.0
// The client against a server that misbehaves on demand, which a real one does not.
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, test } from "node:test";
import { DEFAULT_LIMITS, readInferBinary, type Tensor, writeInferBinary } from "@bulwark/tensors";
import { type Client, type ClientOptions, createClient } from "./client.ts";

const one: Tensor = { name: "x", datatype: "INT64", shape: [2], data: BigInt64Array.of(1n, -(2n ** 60n)) };
const servers: Server[] = [];
const clients: Client[] = [];
after(() => {
  for (const client of clients) client.close();
  for (const server of servers) server.close();
});

async function open(listener: RequestListener, options: Partial<ClientOptions> = {}) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  const pauses: number[] = [];
  const clock = { now: () => performance.now(), pause: async (ms: number) => void pauses.push(ms), random: () => 0.5 };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient({ url, clock, ...options });
  clients.push(client);
  return { client, pauses };
}

const echo: RequestListener = async (request, response) => {
  const asked = readInferBinary(
    await buffer(request),
    Number(request.headers["inference-header-content-length"]),
    DEFAULT_LIMITS,
  );
  const answer = { model: "m", version: "1", id: undefined, outputs: asked.inputs };
  const { headerLength, body } = writeInferBinary(answer, () => true);
  response.setHeader("inference-header-content-length", headerLength).end(body);
};

const refuse =
  (status: number, code: string, retryAfter?: string): RequestListener =>
  (_request, response) => {
    if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
    response.writeHead(status).end(JSON.stringify({ error: "no", code, mend: "wait" }));
  };

test("tensors come back as they were sent, every digit of them", async () => {
  const { client } = await open(echo);
  const { model, outputs } = await client.infer("m", [one]);
  assert.equal(model, "m");
  assert.deepEqual(outputs[0]?.data, one.data);
});

test("a full server is asked again, not before it says so", async () => {
  let count = 0;
  const { client, pauses } = await open((request, response) =>
    (++count < 3 ? refuse(503, "ENGINE_BUSY", "2") : echo)(request, response),
  );
  await client.infer("m", [one]);
  assert.deepEqual(pauses, [2000, 2000]);
});

test("no try begins that the deadline would end", async () => {
  const { client, pauses } = await open(refuse(429, "SERVING_LIMIT", "60"));
  await assert.rejects(client.infer("m", [one], { timeoutMs: 5_000 }), { code: "SERVING_LIMIT" });
  assert.deepEqual(pauses, []);
});

test("what the caller did wrong is not repeated, and keeps its code", async () => {
  let count = 0;
  const { client } = await open((request, response) => {
    count++;
    refuse(400, "TENSOR_SHAPE")(request, response);
  });
  await assert.rejects(client.infer("m", [one]), { code: "TENSOR_SHAPE" });
  assert.equal(count, 1);
});

test("a broken connection is tried again, but no submission", async () => {
  let count = 0;
  const { client } = await open((request, response) => {
    if (++count % 2 === 1) request.socket.destroy();
    else echo(request, response);
  });
  assert.equal((await client.infer("m", [one])).model, "m");
  await assert.rejects(client.submit("m", [one]), { code: "SERVING_UNREACHABLE" });
  assert.equal(count, 3);
});

test("an answer that does not come ends with the time, or with the caller", async () => {
  const { client } = await open(() => {});
  await assert.rejects(client.infer("m", [one], { timeoutMs: 50 }), { code: "SERVING_DEADLINE" });
  await assert.rejects(client.infer("m", [one], { signal: AbortSignal.timeout(50) }), { code: "SERVING_CANCELLED" });
});

test("a token does not leave this machine in the clear", () => {
  assert.throws(() => createClient({ url: "http://serving.example", token: "t" }), { code: "SERVING_REQUEST" });
  for (const url of ["ftp://a", "x", ""]) assert.throws(() => createClient({ url }), { code: "SERVING_REQUEST" });
});
