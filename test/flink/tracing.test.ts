// SPDX-License-Identifier: Apache-2.0
// A request's trace goes on in Flink, with the steps that the embedded engine would tell of.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import { CONSUMER, type Collector, FAILED, readAttribute, startCollector } from "../serving/collector.ts";
import { until } from "../serving/stack.ts";
import { type FlinkStack, skip, startFlinkStack } from "./stack.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const MARKER = 4711.0625;
const STEPS = ["POST /v2/models/:model/infer", "queue", "compute"];
const ECHO = [{ name: "x", datatype: "FP32", shape: [1, 2], data: [MARKER, 2] }];
/** Beyond the model's table. */
const TOO_FAR = [{ name: "x", datatype: "INT64", shape: [1], data: [99] }];

describe("traced, with Flink", { skip }, () => {
  let collector: Collector;
  let stack: FlinkStack;
  let gateway: Started;

  const infer = (model: string, inputs: object[], traceparent: string): Promise<Response> => {
    const body = JSON.stringify({ inputs });
    const url = `${gateway.addresses.http}/v2/models/${model}/infer`;
    return fetch(url, { method: "POST", body, headers: { traceparent } });
  };

  before(async () => {
    collector = await startCollector();
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    stack = await startFlinkStack(["echo", "lookup"], { env });
    const durable = { ...stack.queue.durable, mostRecords: 1000, mostBytes: 2 ** 28, budgetMs: 30_000 };
    const settings = { models: join(stack.folder, "models"), delivery: { "*": "durable" }, durable, httpPort: 0 };
    gateway = await startGateway(
      parseConfig(JSON.stringify({ ...settings, tracesEndpoint: collector.endpoint }), "test"),
    );
    await until(async () => (await infer("echo", ECHO, "")).status === 200);
  });
  after(async () => {
    await gateway?.close();
    await stack?.stop();
    collector?.close();
  });

  it("is one trace from the caller to Flink, without anything of the request", async () => {
    assert.equal((await infer("echo", ECHO, `00-${TRACE}-${CALLER}-01`)).status, 200);
    const [server, queue, compute] = await collector.awaitSteps(TRACE, STEPS);
    assert.ok(server !== undefined && queue !== undefined && compute !== undefined);
    assert.deepEqual([server.parentSpanId, queue.parentSpanId], [CALLER, server.spanId]);
    assert.equal(compute.parentSpanId, queue.spanId);
    assert.deepEqual([compute.kind, compute.service], [CONSUMER, "bulwark-inference-engine"]);
    assert.equal(readAttribute(compute.attributes, "bulwark.model"), "echo");
    assert.equal(readAttribute(compute.attributes, "bulwark.deliveries"), 1);
    assert.equal(compute.status.code, undefined);
    assert.ok(!collector.heard(String(MARKER)));
  });

  it("says what failed", async () => {
    const other = TRACE.replaceAll("a", "c");
    assert.notEqual((await infer("lookup", TOO_FAR, `00-${other}-${CALLER}-01`)).status, 200);
    const [, , compute] = await collector.awaitSteps(other, STEPS);
    assert.deepEqual(compute?.status, { code: FAILED, message: "MODEL_FAILED" });
  });

  it("is not taken where the caller does not take it", async () => {
    const other = TRACE.replaceAll("a", "b");
    assert.equal((await infer("echo", ECHO, `00-${other}-${CALLER}-00`)).status, 200);
    assert.equal((await infer("echo", ECHO, `00-${other}-${CALLER}-01`)).status, 200);
    await collector.awaitSteps(other, STEPS);
    assert.equal(collector.steps().filter(({ traceId, name }) => traceId === other && name === "compute").length, 1);
  });
});
