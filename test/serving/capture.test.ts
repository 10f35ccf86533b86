// SPDX-License-Identifier: Apache-2.0
// What somebody sees of requests and results who records the network and reads Redis's disk: nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openDurable } from "../../services/serving-gateway/src/durable/index.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const RECORDER = fileURLToPath(new URL("../e2e/capture.py", import.meta.url));
const NOT_PERMITTED = 77;
const REQUESTS = 50;
const SEGMENT_HEAD_BYTES = 12;
const MARKER = Float32Array.from({ length: 8 }, (_, at) => 4711.0625 + at);
const MARKER_BYTES = Buffer.from(MARKER.buffer);

describe("recorded", { skip }, () => {
  let stack: QueueStack;
  before(async () => {
    stack = await startQueueStack(["echo"]);
  });
  after(() => stack?.stop());

  it("neither the wire nor the disk shows a request or a result", async (context) => {
    const capture = await startCapture(join(stack.folder, "wire"));
    if (capture === undefined) return context.skip("recording packets needs python3 and CAP_NET_RAW");
    const port = Number(new URL(stack.queue.durable.redis.url).port);
    const limits = { mostRecords: 1000, mostBytes: 2 ** 28, budgetMs: 30_000 };
    const gateway = await openDurable({ ...stack.queue.durable, ...limits });
    const row = { name: "x", datatype: "FP32", shape: [1, MARKER.length], data: MARKER } as const;
    for (let count = 0; count < REQUESTS; count++) {
      const { outputs } = await gateway.infer("echo", undefined, [row]);
      assert.deepEqual(outputs[0]?.data, MARKER);
    }
    const { id } = await gateway.submit("echo", undefined, [row]);
    assert.ok(typeof (await gateway.result(id, { waitMs: 10_000 })) === "object");
    await gateway.close();
    const clearPort = await sendInTheClear(MARKER_BYTES);
    const seen = readFlows(await capture.stop());

    const isSeen = (bytes: Buffer): boolean => bytes.includes(MARKER_BYTES);
    assert.ok(
      seen.some((flow) => flow.ports.includes(clearPort) && isSeen(flow.bytes)),
      "the recorder sees a marker",
    );
    const ofRedis = seen.filter(({ ports }) => ports.includes(port));
    const size = ofRedis.reduce((sum, { bytes }) => sum + bytes.length, 0);
    context.diagnostic(`${size} bytes to and from Redis`);
    assert.ok(size > REQUESTS * 4 * MARKER_BYTES.length, "requests and results were recorded, on both sides of Redis");
    assert.ok(!ofRedis.some(({ bytes }) => isSeen(bytes) || bytes.includes("serving_stream")));

    const data = join(stack.folder, "serving", "redis", "data", "appendonlydir");
    const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
    // An id is the record's uri, and its place in the queue.
    const uri = id.split(".").slice(0, 2).join(".");
    assert.ok(
      files.some((content) => content.includes(uri)),
      "the append-only file was looked at",
    );
    assert.ok(!files.some(isSeen));
  });
});

/** A record of loopback, or undefined where that is not permitted. */
async function startCapture(path: string): Promise<{ stop(): Promise<Buffer> } | undefined> {
  const recorder = spawn("python3", [RECORDER, path], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  recorder.stdout.on("data", (data) => {
    output += data;
  });
  const ended = once(recorder, "exit").catch(() => [NOT_PERMITTED]);
  await Promise.race([ended, until(() => output.includes("ready"))]);
  if (!output.includes("ready")) return undefined;
  return {
    async stop() {
      recorder.stdin.end();
      await ended;
      return readFileSync(path);
    },
  };
}

type Flow = { ports: [number, number]; bytes: Buffer };

/** The payloads of each direction of each connection, one after the other. */
function readFlows(record: Buffer): Flow[] {
  const flows = new Map<string, { ports: [number, number]; parts: Buffer[] }>();
  for (let at = 0; at + SEGMENT_HEAD_BYTES <= record.length; ) {
    const ports: [number, number] = [record.readUInt16BE(at), record.readUInt16BE(at + 2)];
    const length = record.readUInt32BE(at + 8);
    const flow = flows.get(String(ports)) ?? { ports, parts: [] };
    flow.parts.push(record.subarray(at + SEGMENT_HEAD_BYTES, at + SEGMENT_HEAD_BYTES + length));
    flows.set(String(ports), flow);
    at += SEGMENT_HEAD_BYTES + length;
  }
  return [...flows.values()].map(({ ports, parts }) => ({ ports, bytes: Buffer.concat(parts) }));
}

/** Shows that the recorder would see it. */
async function sendInTheClear(bytes: Buffer): Promise<number> {
  const server = createServer((socket) => socket.resume().once("end", () => server.close()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  connect(port, "127.0.0.1").end(bytes);
  await once(server, "close");
  return port;
}
