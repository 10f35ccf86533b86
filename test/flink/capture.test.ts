// SPDX-License-Identifier: Apache-2.0
// What somebody sees who records the network between gateway, Redis and the processes of Flink: nothing. And what he would
// see without TLS, and without sealing, on the very connections that carry records.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { findRedisPrograms, startTestRedis } from "../../packages/queue/src/testing/index.ts";
import { encodeRecord } from "../../packages/tensors/src/index.ts";
import { startCapture } from "../e2e/capture.ts";
import {
  assertSealedOnDisk,
  type Flow,
  isIn,
  readFlows,
  sendInTheClear,
  sizeOf,
  toMarker,
  uriOf,
} from "../serving/recorded.ts";
import { until } from "../serving/stack.ts";
import { type FlinkStack, skip, startFlinkStack } from "./stack.ts";

const REQUESTS = 20;
const REQUEST = toMarker(Float32Array.from({ length: 8 }, (_, at) => 4711.0625 + at));
const MARKERS = [REQUEST];
/** So much that records are most of what is recorded, beside heartbeats and looks for what is new. */
const COUNT = 16_384;
const VALUES = Float32Array.from({ length: COUNT }, (_, at) => REQUEST.values[at % REQUEST.values.length] ?? 0);
const ROW = { name: "x", datatype: "FP32", shape: [1, COUNT], data: VALUES } as const;
/** What every record and every result holds at least, however it is written. */
const RECORD_BYTES = VALUES.byteLength;
/** The content type of TLS's handshake, and the first byte of every version of it. */
const HANDSHAKE = Buffer.of(0x16, 3);
const NOT_PERMITTED = "recording packets needs python3 and CAP_NET_RAW";

describe("recorded from the start of Flink to the last answer", { skip }, () => {
  it("no wire between the parts shows a request or a result", async (context) => {
    const capture = await startCapture(context, "lo");
    if (capture === undefined) return context.skip(NOT_PERMITTED);
    const stack = await startFlinkStack(["echo"]);
    context.after(() => stack.stop());
    await askSealed(stack);
    const { id } = await stack.gateway.submit("echo", undefined, [ROW]);
    assert.ok(typeof (await stack.gateway.result(id, { waitMs: 10_000 })) === "object");
    const ports = findPorts(stack);
    const clearPort = await sendInTheClear(MARKERS);
    const flows = readFlows(await capture.stop());

    assertCarried(context, flows, ports);
    assert.ok(flows.some((flow) => flow.ports.includes(clearPort) && isIn(flow.bytes, MARKERS)));
    for (const { ports: between, bytes } of flows) {
      if (!between.includes(clearPort)) assert.ok(!isIn(bytes, MARKERS), `seen between ${between}`);
    }
    // Between Flink's processes, too, nothing begins in the clear.
    for (const [name, port] of Object.entries({ redis: ports.redis, ...readFlinkPorts(stack) })) {
      const ours = flows.filter((flow) => flow.ports.includes(port));
      assert.ok(ours.length >= 2, `${name} was recorded`);
      for (const { bytes } of ours) assert.deepEqual(bytes.subarray(0, HANDSHAKE.length), HANDSHAKE, name);
    }
    assert.ok(!ofTaskManager(flows, ports).some(({ bytes }) => bytes.includes(stack.queue.record.job)));
    assertSealedOnDisk(stack, uriOf(id), MARKERS);
  });

  it("without TLS a record is still sealed, and without both it is there to be read", async (context) => {
    const [program] = findRedisPrograms();
    assert.ok(program);
    const [sealedCapture, plainCapture] = [await startCapture(context, "lo"), await startCapture(context, "lo")];
    if (sealedCapture === undefined || plainCapture === undefined) return context.skip(NOT_PERMITTED);
    const redis = await startTestRedis(program);
    context.after(() => redis.stop());
    const stack = await startFlinkStack(["echo"], { redis: { url: redis.url } });
    context.after(() => stack.stop());
    await askSealed(stack);
    const ports = findPorts(stack);
    const sealed = readFlows(await sealedCapture.stop());
    assertCarried(context, sealed, ports);
    const wires = ofTaskManager(sealed, ports);
    assert.ok(
      wires.some(({ bytes }) => bytes.includes(stack.queue.record.job)),
      "what is not sealed can be read",
    );
    for (const { bytes } of wires) assert.ok(!isIn(bytes, MARKERS));

    await askInTheClear(stack);
    const plain = ofTaskManager(readFlows(await plainCapture.stop()), ports).filter(({ bytes }) =>
      isIn(bytes, MARKERS),
    );
    // The record on its way in, and its result on its way out.
    const targets = new Set(plain.map(({ ports: [, target] }) => target === ports.redis));
    assert.deepEqual(targets, new Set([false, true]));
  });
});

type Ports = { redis: number; taskManager: readonly number[] };

async function askSealed({ gateway }: FlinkStack): Promise<void> {
  for (let count = 0; count < REQUESTS; count++) {
    const { outputs } = await gateway.infer("echo", undefined, [ROW]);
    assert.deepEqual(outputs[0]?.data, VALUES);
  }
}

/** As an older client does that found its way to Redis. */
async function askInTheClear({ queue }: FlinkStack): Promise<void> {
  const { job } = queue.record;
  const record = encodeRecord([{ name: "x", shape: [1, COUNT], data: VALUES }]).toString("base64");
  await askRedis(queue.record.relay, async (link) => {
    await link.send("XADD", job, "*", "uri", "plain", "data", record);
    let value: unknown;
    await until(async () => {
      value = await link.send("HGET", `cluster-serving_${job}:plain`, "value");
      return value !== null;
    });
    assert.notEqual(String(value), "NaN");
  });
}

/** Records went to the task manager, and results from it, on connections that were recorded. */
function assertCarried(context: TestContext, flows: readonly Flow[], ports: Ports): void {
  const wires = ofTaskManager(flows, ports);
  const size = (isOut: boolean): number =>
    sizeOf(
      wires.filter(({ ports: [, target] }) => (target === ports.redis) === isOut),
      ports.redis,
    );
  context.diagnostic(`${size(false)} bytes to the task manager, ${size(true)} from it, ${flows.length} flows in all`);
  assert.ok(size(false) > REQUESTS * RECORD_BYTES);
  assert.ok(size(true) > REQUESTS * RECORD_BYTES);
}

/** What was recorded between the task manager and Redis. */
const ofTaskManager = (flows: readonly Flow[], { redis, taskManager }: Ports): Flow[] =>
  flows.filter(({ ports }) => ports.includes(redis) && taskManager.some((port) => ports.includes(port)));

/** The port of Redis, and those from which the task manager is connected to it now. */
function findPorts({ queue }: FlinkStack): Ports {
  const redis = Number(new URL(queue.durable.redis.url).port);
  const taskManager = listPorts(queue.processes["flink-taskmanager-1"]?.pid() ?? assert.fail(), redis);
  // One takes records, one ends them, one asks for orders.
  assert.equal(taskManager.length, 3);
  return { redis, taskManager };
}

/** The ports from which a process is connected to a port. */
function listPorts(pid: number, to: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  return ["tcp", "tcp6"].flatMap((table) => {
    const [, ...lines] = readFileSync(`/proc/${pid}/net/${table}`, "utf8").trim().split("\n");
    return lines.flatMap((line) => {
      const [, local = "", remote = "", , , , , , , inode] = line.trim().split(/\s+/);
      const [from, target] = [local, remote].map((address) => Number.parseInt(address.split(":")[1] ?? "", 16));
      return target === to && from !== undefined && sockets.includes(`socket:[${inode}]`) ? [from] : [];
    });
  });
}

/** One that was closed meanwhile is none. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readFlinkPorts({ folder }: FlinkStack): { jobManager: number } {
  const configuration = readFileSync(join(folder, "serving", "flink", "config.yaml"), "utf8");
  return { jobManager: Number(/^jobmanager\.rpc\.port: (\d+)$/m.exec(configuration)?.[1]) };
}
