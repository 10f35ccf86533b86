// SPDX-License-Identifier: Apache-2.0
// What somebody sees who records the network between gateway, Redis and the processes of Flink: nothing.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startCapture } from "../e2e/capture.ts";
import { assertSealedOnDisk, isIn, readFlows, sendInTheClear, sizeOf, toMarker, uriOf } from "../serving/recorded.ts";
import { skip, startFlinkStack } from "./stack.ts";

const REQUESTS = 20;
const REQUEST = toMarker(Float32Array.from({ length: 8 }, (_, at) => 4711.0625 + at));
const MARKERS = [REQUEST];
const ROW = { name: "x", datatype: "FP32", shape: [1, REQUEST.values.length], data: REQUEST.values } as const;

describe("recorded from the start of Flink to the last answer", { skip }, () => {
  it("no wire between the parts shows a request or a result", async (context) => {
    const capture = await startCapture(context, "lo");
    if (capture === undefined) return context.skip("recording packets needs python3 and CAP_NET_RAW");
    const stack = await startFlinkStack(["echo"]);
    context.after(() => stack.stop());
    for (let count = 0; count < REQUESTS; count++) {
      const { outputs } = await stack.gateway.infer("echo", undefined, [ROW]);
      assert.deepEqual(outputs[0]?.data, REQUEST.values);
    }
    const { id } = await stack.gateway.submit("echo", undefined, [ROW]);
    assert.ok(typeof (await stack.gateway.result(id, { waitMs: 10_000 })) === "object");
    const clearPort = await sendInTheClear(MARKERS);
    const flows = readFlows(await capture.stop());

    const redisPort = Number(new URL(stack.queue.durable.redis.url).port);
    const others = flows.filter(({ ports }) => !ports.includes(redisPort) && !ports.includes(clearPort));
    context.diagnostic(`${sizeOf(flows, redisPort)} bytes of Redis, ${others.length} flows beside it`);
    assert.ok(sizeOf(flows, redisPort) > REQUESTS * 4 * REQUEST.values.byteLength);
    // Job manager and task manager speak to each other, whatever their ports are.
    assert.ok(others.length >= 2);
    assert.ok(flows.some(({ ports, bytes }) => ports.includes(clearPort) && isIn(bytes, MARKERS)));
    for (const { ports, bytes } of flows) {
      if (!ports.includes(clearPort)) assert.ok(!isIn(bytes, MARKERS), `seen between ${ports}`);
    }
    assertSealedOnDisk(stack, uriOf(id), MARKERS);
  });
});
