// SPDX-License-Identifier: Apache-2.0
// What probes see of a gateway from its start to its end, and how requests are shared among versions.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { writeSum } from "@bulwark/inference/testing";
import { type GatewayConfig, parseConfig } from "./config.ts";
import { type Started, startGateway } from "./start.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-health-"));
const models = join(root, "models");
for (const version of ["1", "2"]) {
  const path = join(models, "sum", version, "model.onnx");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, writeSum());
}
const running: Started[] = [];
after(async () => {
  for (const started of running) await started.close();
  await rm(root, { recursive: true, force: true });
});

const all = { sum: { versions: { kind: "all" } } } as const;
const read = (settings: Partial<GatewayConfig>) => parseConfig(JSON.stringify({ models, ...settings }), "test");

async function open(settings: Partial<GatewayConfig>): Promise<Started> {
  const started = await startGateway(read({ httpPort: 0, healthPort: 0, modelSettings: all, ...settings }));
  running.push(started);
  return started;
}

const SUM = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [2, 2], data: [1, 2, 3, 4] }] });

type Answer = { status: number; connection: string | undefined; body: Record<string, unknown> };

function ask(agent: Agent, url: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, method: body === undefined ? "GET" : "POST" }, async (answer) => {
      const { statusCode = 0, headers } = answer;
      resolve({ status: statusCode, connection: headers.connection, body: JSON.parse(await text(answer)) });
    });
    asked.on("error", reject).end(body);
  });
}

test("the health port answers probes and Prometheus, and takes no requests", async () => {
  const { addresses } = await open({});
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${addresses.health}${path}`, init);
  assert.deepEqual(await (await get("/v2/health/started")).json(), { started: true });
  assert.equal((await get("/v2/health/ready")).status, 200);
  assert.equal((await get("/v2/health/live")).status, 200);
  assert.match(await (await get("/metrics")).text(), /^bulwark_serving_in_flight 0$/m);
  assert.equal((await get("/v2/models/sum/infer", { method: "POST", body: SUM })).status, 404);
  // The port of requests does not compute for whoever asks whether it started.
  assert.equal((await fetch(`${addresses.http}/v2/health/started`)).status, 404);
});

test("one that is asked to end is not ready, answers on, lets connections go, then ends", async () => {
  const started = await open({ leaveMs: 400 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const url = `${started.addresses.http}/v2/models/sum/infer`;
  assert.deepEqual(pick(await ask(agent, url, SUM)), [200, "keep-alive"]);
  const closing = started.close();
  const probe = await ask(agent, `${started.addresses.health}/v2/health/ready`);
  assert.deepEqual([probe.status, probe.body.ready, probe.body.live], [503, false, true]);
  assert.deepEqual(pick(await ask(agent, url, SUM)), [200, "close"]);
  assert.deepEqual(pick(await ask(agent, url, SUM)), [200, "close"]);
  await closing;
  await assert.rejects(ask(agent, url, SUM), { code: "ECONNREFUSED" });
  running.splice(running.indexOf(started), 1);
});

const pick = ({ status, connection }: Answer): [number, string | undefined] => [status, connection];

test("requests that name no version are shared by weight, on both surfaces; those that name one are not", async () => {
  const { addresses } = await open({ weights: { sum: { "1": 3, "2": 1 } } });
  const agent = new Agent({ keepAlive: true });
  const versionsOf = async (path: string): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let at = 0; at < 8; at++) {
      const { body } = await ask(agent, `${addresses.http}${path}`, SUM);
      const version = String(body.model_version);
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  };
  assert.deepEqual(await versionsOf("/v2/models/sum/infer"), { "1": 6, "2": 2 });
  assert.deepEqual(await versionsOf("/v2/models/sum/versions/1/infer"), { "1": 8 });
  const instance = JSON.stringify({ instances: [{ x: [1, 2] }] });
  for (let at = 0; at < 4; at++) await fetch(`${addresses.http}/predict`, { method: "POST", body: instance });
  const seen = await (await fetch(`${addresses.health}/metrics`)).text();
  const older = (version: string): string =>
    new RegExp(`_count{model="sum",version="${version}",protocol="older"} (\\d+)`).exec(seen)?.[1] ?? "";
  assert.deepEqual([older("1"), older("2")], ["3", "1"]);
  agent.destroy();
});

test("weights of versions that are not loaded are refused, and an open health port without TLS", () => {
  const refused: Partial<GatewayConfig>[] = [
    { weights: { sum: { "1": 1, "2": 1 } } },
    {
      weights: { sum: { "1": 1, "3": 1 } },
      modelSettings: { sum: { versions: { kind: "specific", versions: ["1"] } } },
    },
    { weights: { sum: { "1": -1 } } },
    { host: "0.0.0.0", healthPort: 9443, clientCertificates: true },
  ];
  for (const settings of refused) {
    assert.throws(() => read(settings), { code: "SERVING_CONFIG" }, JSON.stringify(settings));
  }
  read({ weights: { sum: { "1": 1, "2": 1 } }, modelSettings: all });
});
