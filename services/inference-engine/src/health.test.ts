// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveHealth } from "./health.ts";

const counts = { answered: 7, failed: 1, expired: 0, dead: 0, again: 0, duplicate: 2 };

test("probes and Prometheus are answered, and nothing else", async (context) => {
  let isReady = false;
  const health = { isReady: () => isReady, counts: () => counts, residentBytes: () => 4096 };
  const server = await serveHealth(health, { port: 0, host: "127.0.0.1" });
  context.after(() => server.close());
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  assert.equal((await get("/v2/health/live")).status, 200);
  assert.equal((await get("/v2/health/ready")).status, 503);
  isReady = true;
  assert.deepEqual(await (await get("/v2/health/ready")).json(), { ready: true, live: true });
  assert.equal((await get("/v2/models")).status, 404);
  const lines = (await (await get("/metrics")).text()).split("\n");
  assert.ok(lines.includes('bulwark_engine_records_total{outcome="duplicate"} 2'));
  assert.ok(lines.includes("bulwark_engine_ready 1"));
  await assert.rejects(serveHealth(health, { port: server.port, host: "127.0.0.1" }), { code: "SERVING_PORT" });
});
