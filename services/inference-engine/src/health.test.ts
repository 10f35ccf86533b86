// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { serveHealth } from "./health.ts";
import { createTally } from "./tally.ts";

const counts = { answered: 7, failed: 1, expired: 0, dead: 0, again: 0, duplicate: 2 };

test("probes and Prometheus are answered, and nothing else", async (context) => {
  let isReady = false;
  const tally = createTally((model) => model === "m");
  tally.failed("m", "MODEL_FAILED");
  tally.failed("m", "MODEL_FAILED");
  tally.failed("whatever a record says", "TENSOR_SHAPE");
  tally.taken(1500);
  tally.taken(-3);
  const times = { totalUs: 90, queueUs: 40, computeUs: 50 };
  const version = { model: "m", version: "2", lastInference: 1, requests: 5, failures: 2, rows: 8, executions: 3 };
  const statistics = () => [{ ...version, ...times, pending: 4 }];
  const health = { isReady: () => isReady, counts: () => counts, residentBytes: () => 4096, statistics, tally };
  const server = await serveHealth(health, { port: 0, host: "127.0.0.1" });
  context.after(() => server.close());
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  assert.equal((await get("/v2/health/live")).status, 200);
  assert.equal((await get("/v2/health/ready")).status, 503);
  isReady = true;
  assert.deepEqual(await (await get("/v2/health/ready")).json(), { ready: true, live: true });
  assert.equal((await get("/v2/models")).status, 404);
  const stranger = connect(server.port, "127.0.0.1");
  stranger.write("hello\r\n\r\n");
  assert.match(String(await buffer(stranger)), /^HTTP\/1\.1 400 [\s\S]*"code":"SERVING_REQUEST"/);
  const lines = (await (await get("/metrics")).text()).split("\n");
  assert.ok(lines.includes('bulwark_engine_records_total{outcome="duplicate"} 2'));
  assert.ok(lines.includes("bulwark_engine_ready 1"));
  for (const line of [
    'nv_inference_request_success{model="m",version="2"} 5',
    'nv_inference_count{model="m",version="2"} 8',
    'nv_inference_exec_count{model="m",version="2"} 3',
    'nv_inference_request_duration_us{model="m",version="2"} 90',
    'nv_inference_queue_duration_us{model="m",version="2"} 40',
    'nv_inference_compute_infer_duration_us{model="m",version="2"} 50',
    'nv_inference_pending_request_count{model="m",version="2"} 4',
    'nv_inference_request_failure{model="m",reason="BACKEND",code="MODEL_FAILED"} 2',
    'nv_inference_request_failure{model="",reason="OTHER",code="TENSOR_SHAPE"} 1',
    "bulwark_engine_record_wait_seconds_sum 1.5",
    "bulwark_engine_record_wait_seconds_count 2",
  ]) {
    assert.ok(lines.includes(line), line);
  }
  await assert.rejects(serveHealth(health, { port: server.port, host: "127.0.0.1" }), { code: "SERVING_PORT" });
});
