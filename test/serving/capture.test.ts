// SPDX-License-Identifier: Apache-2.0
// What somebody sees of requests and results who records the network and reads Redis's disk: nothing.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openDurable } from "../../services/serving-gateway/src/durable/index.ts";
import { parseSegments, startCapture } from "../e2e/capture.ts";
import { type QueueStack, skip, startQueueStack } from "./stack.ts";

const REQUESTS = 50;
const MARKER = Float32Array.from({ length: 8 }, (_, at) => 4711.0625 + at);
const MARKER_BYTES = Buffer.from(MARKER.buffer);

describe("recorded", { skip }, () => {
  let stack: QueueStack;
  before(async () => {
    stack = await startQueueStack(["echo"]);
  });
  after(() => stack?.stop());

  it("neither the wire nor the disk shows a request or a result", async (context) => {
    const capture = await startCapture(context, "lo");
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

type Flow = { ports: [number, number]; bytes: Buffer };

/** The payloads of each direction of each connection, one after the other. */
function readFlows(record: Buffer): Flow[] {
  const flows = Map.groupBy(parseSegments(record), ({ source, target }) => `${source} ${target}`);
  return [...flows.values()].map((segments) => ({
    ports: [segments[0]?.source ?? 0, segments[0]?.target ?? 0],
    bytes: Buffer.concat(segments.map(({ payload }) => payload)),
  }));
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
