// SPDX-License-Identifier: Apache-2.0
// A request's trace over gateway, queue and engine, as a collector gets it (OTLP over HTTP, JSON).
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { type Started, startGateway } from "../../services/serving-gateway/src/start.ts";
import { callGrpc } from "../../services/serving-gateway/src/testing/call-grpc.ts";
import { CONSUMER, type Collector, FAILED, readAttribute, SERVER, startCollector } from "./collector.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const MARKER = 4711.0625;

const STEPS = ["POST /v2/models/:model/infer", "queue", "compute"];

describe("traced", { skip }, () => {
  let collector: Collector;
  let stack: QueueStack;
  let gateway: Started;

  const infer = (model: string, headers: Record<string, string> = {}): Promise<Response> => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 2], data: [MARKER, 2] }];
    const body = JSON.stringify({ inputs });
    return fetch(`${gateway.addresses.http}/v2/models/${model}/infer`, { method: "POST", body, headers });
  };
  const openGateway = (tracesEndpoint: string): Promise<Started> => {
    const durable = { ...stack.queue.durable, mostRecords: 1000, mostBytes: 2 ** 28, budgetMs: 30_000 };
    const settings = { models: join(stack.folder, "models"), delivery: { echo: "durable" }, durable };
    return startGateway(parseConfig(JSON.stringify({ ...settings, tracesEndpoint, httpPort: 0, grpcPort: 0 }), "test"));
  };

  before(async () => {
    collector = await startCollector();
    const { endpoint } = collector;
    stack = await startQueueStack(["echo", "mlp"], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    });
    gateway = await openGateway(endpoint);
  });
  after(async () => {
    await gateway?.close();
    await stack?.stop();
    collector?.close();
  });

  it("is one trace from the caller to the engine behind the queue, without anything of the request", async () => {
    assert.equal((await infer("echo", { traceparent: `00-${TRACE}-${CALLER}-01` })).status, 200);
    const [server, queue, compute] = await collector.awaitSteps(TRACE, STEPS);
    assert.ok(server !== undefined && queue !== undefined && compute !== undefined);
    assert.equal(server.parentSpanId, CALLER);
    assert.equal(queue.parentSpanId, server.spanId);
    assert.equal(compute.parentSpanId, queue.spanId);
    assert.deepEqual([server.kind, compute.kind], [SERVER, CONSUMER]);
    assert.deepEqual([server.service, compute.service], ["bulwark-serving-gateway", "bulwark-inference-engine"]);
    assert.equal(readAttribute(server.attributes, "bulwark.model"), "echo");
    assert.equal(readAttribute(server.attributes, "http.response.status_code"), 200);
    assert.ok(!collector.heard(String(MARKER)));
  });

  it("is one over gRPC as well", async () => {
    const other = TRACE.replaceAll("a", "c");
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 2], contents: { fp32_contents: [MARKER, 2] } }];
    const answer = await callGrpc(gateway.addresses.grpc ?? "", {
      ...{ method: "ModelInfer", types: ["ModelInferRequest", "ModelInferResponse"] },
      ...{ message: { model_name: "echo", inputs }, headers: { traceparent: `00-${other}-${CALLER}-01` } },
    });
    assert.equal(answer.model_name, "echo");
    const [server, queue, compute] = await collector.awaitSteps(other, [
      "inference.GRPCInferenceService/ModelInfer",
      ...STEPS.slice(1),
    ]);
    assert.equal(server?.parentSpanId, CALLER);
    assert.deepEqual([queue?.parentSpanId, compute?.parentSpanId], [server?.spanId, queue?.spanId]);
    assert.ok(!collector.heard(String(MARKER)));
  });

  it("is a trace of its own where the caller has none, and says what failed", async () => {
    const known = new Set(collector.steps().map(({ spanId }) => spanId));
    assert.equal((await infer("mlp")).status, 400);
    const fresh = () => collector.steps().filter(({ spanId }) => !known.has(spanId));
    await until(() => fresh().length >= 2);
    const server = fresh().find(({ kind }) => kind === SERVER);
    const engine = fresh().find(({ name }) => name === "engine");
    assert.equal(server?.parentSpanId, undefined);
    assert.equal(engine?.parentSpanId, server?.spanId);
    assert.equal(engine?.status.code, FAILED);
  });

  it("is not taken where the caller does not take it", async () => {
    const other = TRACE.replaceAll("a", "b");
    assert.equal((await infer("echo", { traceparent: `00-${other}-${CALLER}-00` })).status, 200);
    assert.equal((await infer("echo", { traceparent: `00-${other}-${CALLER}-01` })).status, 200);
    await until(() => collector.steps().filter(({ traceId }) => traceId === other).length >= 3);
    assert.equal(collector.steps().filter(({ traceId, name }) => traceId === other && name === "compute").length, 1);
  });

  it("costs nobody an answer when the collector is gone", async () => {
    const other = await openGateway("http://127.0.0.1:1");
    try {
      const body = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }] });
      const answer = await fetch(`${other.addresses.http}/v2/models/echo/infer`, { method: "POST", body });
      assert.equal(answer.status, 200);
    } finally {
      await other.close();
    }
  });
});
