// SPDX-License-Identifier: Apache-2.0
// charts/serving on a real node, installed by plain Helm: what it answers, what it stands, and what it leaves.
import assert from "node:assert/strict";
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { writeSum } from "../../packages/inference/src/testing/models.ts";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { REPOSITORY } from "../e2e/harness.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";
import { NETWORK } from "./fixture/network.ts";
import {
  askLive,
  askWhile,
  type Caller,
  type Credentials,
  makeCaller,
  readCredentials,
  sumOf,
  type Target,
} from "./serving/caller.ts";

const CHART = join(REPOSITORY, "charts", "serving");
const READY_LIMIT = "300s";
/** The pods' network on the node. */
const BRIDGE = "cni0";
const CALLERS = 4;
/** So many are answered before and after what happens to a part. */
const AROUND = 100;

let cluster: Cluster;
let namespace: TestNamespace;
let tool: Tool;
let image: string;
let credentials: Credentials;
let callers: Caller[];

const VALUES = {
  models: { claim: "models", delivery: { queued: "durable" } },
  gateway: { replicas: 2, memory: "512m", leave: "4s", drain: "10s", requestTimeout: "60s", older: { model: "sum" } },
  engine: { memory: "512m" },
  redis: { memory: "128m", storage: "512m" },
};

before(async () => {
  cluster = await joinCluster();
  // Only pods know the way to Services, and callers are on the node itself here.
  await cluster.run("ip", ["route", "replace", NETWORK.services, "dev", BRIDGE]);
  const built = await buildServingImage({}, () => undefined);
  image = built.name;
  await cluster.loadImage(built.archive, built.name);
  namespace = await cluster.makeNamespace("serving");
  tool = await makeTool(cluster, "serving-records", "models");
  await placeModels((await cluster.makeVolume(namespace, "models")).folder);
  // The node has nobody who makes volumes: the claim that the StatefulSet would make is there already.
  await cluster.makeVolume(namespace, "data-clouds-redis-0");
  const names = ["--serving", "clouds", "--data", "models", "-n", namespace.name];
  const { stdout, stderr, code } = await tool.run("keys", "export", "--kubernetes", ...names);
  assert.equal(code, 0, stderr);
  await cluster.kubectl(["apply", "--server-side", "-f", "-"], { input: stdout });
});
after(async () => {
  for (const caller of callers ?? []) caller.close();
  tool?.stop();
  await namespace?.remove();
});

/** `sum` in two versions, `queued` for the queue, `closed` encrypted; all give the sum of two numbers. */
async function placeModels(folder: string): Promise<void> {
  const place = async (path: string, bytes: Buffer): Promise<string> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    await chmod(path, 0o644);
    return path;
  };
  for (const model of ["sum/1", "sum/2", "queued/1"]) await place(join(folder, model, "model.onnx"), writeSum());
  const open = await place(join(tool.home, "sum.onnx"), writeSum());
  const sealed = `${open}.sealed`;
  const { code, stderr } = await tool.run("model", "encrypt", open, sealed, "--key", "models");
  assert.equal(code, 0, stderr);
  await mkdir(join(folder, "closed/1"), { recursive: true });
  await cp(sealed, join(folder, "closed/1/model.onnx.sealed"));
  await cluster.run("chmod", ["-R", "a+rX", folder]);
}

const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl(["-n", namespace.name, ...args]);

/** `helm install` or `upgrade`, until everything is ready; what the pods say when it is not. */
async function helm(verb: "install" | "upgrade", values: object = {}): Promise<void> {
  const input = JSON.stringify({ image, ...VALUES, ...values });
  const args = [verb, "clouds", CHART, "-n", namespace.name, "-f", "-", "--wait", "--timeout", READY_LIMIT];
  await cluster.run(cluster.programs.helm, args, { input }).catch(async (error: Error) => {
    const said = [await inNamespace("get", "pods", "-o", "wide"), await inNamespace("get", "events")];
    const logs = await inNamespace("logs", "-l", "app.kubernetes.io/name=serving", "--tail=20", "--prefix");
    throw new Error([error.message, ...said, logs].join("\n"));
  });
}

async function findTarget(port: number): Promise<Target> {
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>(["-n", namespace.name, "service", "clouds"]);
  return { host: spec.clusterIP, port, servername: `clouds.${namespace.name}.svc` };
}

const firstCaller = (): Caller => callers[0] as Caller;

test("it is installed in a restricted namespace, and ready when a request went the whole way", async () => {
  await helm("install");
  credentials = await readCredentials(cluster, namespace, "clouds-client");
  const target = await findTarget(10023);
  callers = Array.from({ length: CALLERS }, () => makeCaller(target, credentials));
  const { items } = await cluster.get<{ items: { metadata: { name: string } }[] }>(["-n", namespace.name, "pods"]);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name.replace(/^clouds-(gateway|engine|redis)-.*$/, "$1")).sort(),
    ["engine", "gateway", "gateway", "redis"],
  );
});

test("models answer over TLS: directly, through the queue, encrypted, and as older clients ask", async () => {
  for (const model of ["sum", "queued", "closed"]) {
    const { status, body } = await firstCaller().ask({ path: `/v2/models/${model}/infer`, body: sumOf(40, 2.5) });
    assert.equal(status, 200, body);
    assert.deepEqual(JSON.parse(body).outputs, [{ name: "y", shape: [1, 1], datatype: "FP32", data: [42.5] }]);
  }
  const older = await firstCaller().ask({ path: "/predict", body: { instances: [{ x: [1, 2] }] } });
  assert.equal(older.status, 200, older.body);
  const [prediction] = JSON.parse(older.body).predictions;
  assert.deepEqual(JSON.parse(JSON.parse(prediction).value).data, [3]);
  // { live: true } in its frame.
  assert.deepEqual([...(await askLive(await findTarget(8001), credentials.ca))], [0, 0, 0, 0, 2, 8, 1]);
});

test("who shows no token, or trusts no authority of ours, gets nothing", async () => {
  const target = await findTarget(10023);
  const stranger = makeCaller(target, { ca: credentials.ca });
  assert.equal((await stranger.ask({ path: "/v2/models/sum/infer", body: sumOf(1, 2) })).status, 401);
  stranger.close();
  const other = makeCaller({ ...target, servername: "elsewhere.svc" }, credentials);
  await assert.rejects(other.ask({ path: "/v2" }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  other.close();
});

type Pod = { metadata: { name: string; labels: Record<string, string> }; status: { podIP: string } };
async function listPods(part: string): Promise<Pod[]> {
  const selector = `app.kubernetes.io/component=${part}`;
  return (await cluster.get<{ items: Pod[] }>(["-n", namespace.name, "pods", "-l", selector])).items;
}

/** A family without labels but the job's, as a pod tells it. */
async function readMetric({ status }: Pod, name: string): Promise<number> {
  const target = { host: status.podIP, port: 9443, servername: "localhost" };
  const caller = makeCaller(target, { ca: credentials.ca });
  const { body } = await caller.ask({ path: "/metrics" });
  caller.close();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(body)?.[1]);
}

test("Prometheus finds what gateways and engines count, by TLS", async () => {
  const [[gateway], [engine]] = [await listPods("gateway"), await listPods("engine")];
  assert.equal(await readMetric(gateway as Pod, "bulwark_serving_queue_up"), 1);
  assert.equal(await readMetric(gateway as Pod, "bulwark_serving_queue_engines"), 1);
  assert.equal(await readMetric(engine as Pod, "bulwark_engine_ready"), 1);
});

test("what a pod writes, it writes to /tmp alone, and as nobody's root", async () => {
  for (const part of ["gateway", "engine", "redis"]) {
    const [pod] = await listPods(part);
    const script = "id -u; touch /opt/bulwark/x 2>&1; touch /etc/x 2>&1; touch /tmp/x && echo tmp";
    const said = await inNamespace("exec", pod?.metadata.name ?? "", "--", "sh", "-c", script);
    assert.match(said, /^185\n(.*Read-only file system\n){2}tmp\n$/, part);
    const secrets = await inNamespace(
      "exec",
      pod?.metadata.name ?? "",
      "--",
      "sh",
      "-c",
      "tr '\\0' '\\n' < /proc/1/environ",
    );
    assert.doesNotMatch(secrets, /password|token|PRIVATE/i, part);
  }
});

/** Restarts a part under load. Nothing is lost, nothing is wrong; only Redis may be missed, and says so with 503. */
async function restart(context: TestContext, what: string, model: string): Promise<number> {
  const counts = await askWhile(callers, model, async (seen) => {
    const answer = async (more: number): Promise<void> => {
      const wanted = seen.answered + more;
      await until(`${wanted} answers`, () => seen.answered >= wanted);
    };
    await answer(AROUND);
    await inNamespace("rollout", "restart", what);
    await inNamespace("rollout", "status", what, `--timeout=${READY_LIMIT}`);
    await answer(AROUND);
  });
  const { lost, ...rest } = counts;
  context.diagnostic(`${what}, ${model}: ${JSON.stringify({ ...rest, lost: lost.length })}`);
  assert.deepEqual([[...new Set(lost)], counts.wrong], [[], 0]);
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
  await helm("upgrade", { engine: { ...VALUES.engine, replicas: 2 }, models: { ...VALUES.models, weights } });
  // Those that are ending still answer, and know of no shares.
  const { replicas } = VALUES.gateway;
  await until("the old gateways to be gone", async () => (await listPods("gateway")).length === replicas);
  const [gateway] = await listPods("gateway");
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

const KINDS = [
  ...["pods", "deployments", "statefulsets", "replicasets", "services", "endpointslices", "configmaps"],
  ...["serviceaccounts", "networkpolicies", "poddisruptionbudgets", "horizontalpodautoscalers", "secrets"],
  "persistentvolumeclaims",
];

test("uninstalled it leaves the queue's claim and the Secrets that were made beside it, and nothing else", async () => {
  await cluster.run(cluster.programs.helm, ["uninstall", "clouds", "-n", namespace.name, "--wait"]);
  const list = async (): Promise<string[]> =>
    (await inNamespace("get", KINDS.join(","), "-o", "name")).split("\n").filter((name) => name.includes("clouds"));
  const parts = ["gateway", "engine", "redis", "keyring", "records", "tokens", "client"];
  const kept = parts.map((part) => `secret/clouds-${part}`);
  const wanted = ["persistentvolumeclaim/data-clouds-redis-0", ...kept].sort();
  await until("all of it to be gone", async () => (await list()).length <= wanted.length);
  assert.deepEqual((await list()).sort(), wanted);
});
