// SPDX-License-Identifier: Apache-2.0
// charts/serving on a real node, installed by plain Helm: what it answers, what it stands, and what it leaves.
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { writeHungry } from "../../packages/inference/src/testing/models.ts";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { until } from "./fixture/index.ts";
import {
  type Answer,
  askLive,
  type Caller,
  type Credentials,
  makeCaller,
  readCredentials,
  sumOf,
} from "./serving/caller.ts";
import { OLDER_MODELS, placeOlderModels } from "./serving/older.ts";
import {
  askAround,
  assertConfined,
  type Pod,
  prepareRelease,
  READY_LIMIT,
  type ServingRelease,
} from "./serving/release.ts";

const CALLERS = 4;
/** Two starts of a container, and what Kubernetes waits before the second. */
const DYING_MS = 180_000;

let release: ServingRelease;
let image: string;
let credentials: Credentials;
let callers: Caller[];

const VALUES = {
  models: { claim: "models", delivery: { queued: "durable", "older-queued": "durable", hungry: "durable" } },
  older: { models: OLDER_MODELS },
  gateway: { replicas: 2, memory: "512m", leave: "4s", drain: "10s", requestTimeout: "60s", older: { model: "sum" } },
  engine: { memory: "512m" },
  redis: { memory: "128m", storage: "512m" },
};

before(async () => {
  const built = await buildServingImage({}, () => undefined);
  image = built.name;
  release = await prepareRelease("serving", [built]);
  await placeOlderModels(release, ["older", "older-queued"]);
  await release.placeModel("hungry/1/model.onnx", writeHungry());
});
after(async () => {
  for (const caller of callers ?? []) caller.close();
  await release?.close();
});

const firstCaller = (): Caller => callers[0] as Caller;

test("it is installed in a restricted namespace, and ready when a request went the whole way", async () => {
  await release.helm("install", { image, ...VALUES });
  credentials = await readCredentials(release.cluster, release.namespace, "clouds-client");
  const target = await release.findTarget(10023);
  callers = Array.from({ length: CALLERS }, () => makeCaller(target, credentials));
  assert.deepEqual(await release.listParts(), ["engine", "gateway", "gateway", "redis"]);
});

test("models answer over TLS: directly, through the queue, encrypted by us or by BigDL, and as older clients ask", async () => {
  for (const model of ["sum", "queued", "closed", "older", "older-queued"]) {
    const { status, body } = await firstCaller().ask({ path: `/v2/models/${model}/infer`, body: sumOf(40, 2.5) });
    assert.equal(status, 200, body);
    assert.deepEqual(JSON.parse(body).outputs, [{ name: "y", shape: [1, 1], datatype: "FP32", data: [42.5] }]);
  }
  const older = await firstCaller().ask({ path: "/predict", body: { instances: [{ x: [1, 2] }] } });
  assert.equal(older.status, 200, older.body);
  const [prediction] = JSON.parse(older.body).predictions;
  assert.deepEqual(JSON.parse(JSON.parse(prediction).value).data, [3]);
  // { live: true } in its frame.
  assert.deepEqual([...(await askLive(await release.findTarget(8001), credentials.ca))], [0, 0, 0, 0, 2, 8, 1]);
});

test("who shows no token, or trusts no authority of ours, gets nothing", async () => {
  const target = await release.findTarget(10023);
  const stranger = makeCaller(target, { ca: credentials.ca });
  assert.equal((await stranger.ask({ path: "/v2/models/sum/infer", body: sumOf(1, 2) })).status, 401);
  stranger.close();
  const other = makeCaller({ ...target, servername: "elsewhere.svc" }, credentials);
  await assert.rejects(other.ask({ path: "/v2" }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  other.close();
});

/** A family without labels but the job's, as a pod tells it. */
async function readMetric({ status }: Pod, name: string): Promise<number> {
  const target = { host: status.podIP, port: 9443, servername: "localhost" };
  const caller = makeCaller(target, { ca: credentials.ca });
  const { body } = await caller.ask({ path: "/metrics" });
  caller.close();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(body)?.[1]);
}

test("Prometheus finds what gateways and engines count, by TLS", async () => {
  const [[gateway], [engine]] = [await release.listPods("gateway"), await release.listPods("engine")];
  assert.equal(await readMetric(gateway as Pod, "bulwark_serving_queue_up"), 1);
  assert.equal(await readMetric(gateway as Pod, "bulwark_serving_queue_engines"), 1);
  assert.equal(await readMetric(engine as Pod, "bulwark_engine_ready"), 1);
});

test("what a pod writes, it writes to /tmp alone, and as nobody's root", async () => {
  for (const part of ["gateway", "engine", "redis"]) await assertConfined(release, part);
});

/** Restarts a part under load. Nothing is lost, nothing is wrong; only Redis may be missed, and says so with 503. */
async function restart(context: TestContext, what: string, model: string): Promise<number> {
  const counts = await askAround(callers, model, async () => {
    await release.kubectl("rollout", "restart", what);
    await release.kubectl("rollout", "status", what, `--timeout=${READY_LIMIT}`);
  });
  context.diagnostic(`${what}, ${model}: ${JSON.stringify(counts)}`);
  return counts.refused;
}

for (const model of ["sum", "queued"]) {
  test(`gateways are restarted under load, ${model}: nobody notices`, async (context) => {
    assert.equal(await restart(context, "deployment/clouds-gateway", model), 0);
  });
}

test("the engine is restarted under load: nobody notices", async (context) => {
  assert.equal(await restart(context, "deployment/clouds-engine", "queued"), 0);
});

test("Redis is restarted under load: who asks the queue meanwhile is told to come again, and nothing is lost", async (context) => {
  await restart(context, "statefulset/clouds-redis", "queued");
});

test("a second engine joins, and a share of requests goes to a second version", async () => {
  const weights = { sum: { "1": 9, "2": 1 } };
  const changed = {
    engine: { ...VALUES.engine, replicas: 2, maxDeliveries: 2 },
    models: { ...VALUES.models, weights },
  };
  await release.helm("upgrade", { image, ...VALUES, ...changed });
  // Those that are ending still answer, and know of no shares.
  const { replicas } = VALUES.gateway;
  await until("the old gateways to be gone", async () => (await release.listPods("gateway")).length === replicas);
  const [gateway] = await release.listPods("gateway");
  await until("two engines", async () => (await readMetric(gateway as Pod, "bulwark_serving_queue_engines")) === 2);
  const counts: Record<string, number> = {};
  for (let at = 0; at < 100; at++) {
    const { body } = await firstCaller().ask({ path: "/v2/models/sum/infer", body: sumOf(at, 1) });
    const { model_version: version } = JSON.parse(body);
    counts[version] = (counts[version] ?? 0) + 1;
  }
  // Rounds of a gateway are exact; a connection that is opened anew may meet the other one, in the midst of a round.
  const { "1": first = 0, "2": second = 0 } = counts;
  assert.equal(first + second, 100);
  assert.ok(Math.abs(second - 10) <= 1, JSON.stringify(counts));
});

test("a model that eats a pod's memory ends its engine: dead letter, and others lose nothing", async (context) => {
  const many = { inputs: [{ name: "x", datatype: "INT64", shape: [1], data: [2 ** 31] }] };
  const [hungry, ...others] = callers as [Caller, ...Caller[]];
  const counts = await askAround(others, "queued", async () => {
    const { body } = await hungry.ask({ path: "/v2/models/hungry/requests", body: many });
    const look = (): Promise<Answer> => hungry.ask({ path: `/v2/requests/${JSON.parse(body).id}?wait=10` });
    await until("its end", async () => (await look()).status !== 202, DYING_MS);
    const answer = await look();
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [500, "QUEUE_DELIVERIES"], answer.body);
  });
  context.diagnostic(JSON.stringify(counts));
  const ends = (await release.listPods("engine")).map(
    ({ status }) => status.containerStatuses?.[0]?.lastState.terminated?.reason,
  );
  assert.deepEqual(ends.sort(), ["OOMKilled", undefined]);
});

test("uninstalled it leaves the queue's claim and the Secrets that were made beside it, and nothing else", async () => {
  assert.deepEqual(await release.uninstall(), []);
});
