// SPDX-License-Identifier: Apache-2.0
// A thousand releases with five thousand pods, simulated: how long `list` takes, how much memory watching does, and
// whether `delete --all` leaves nothing.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTestFolder } from "../../cli/src/testing/context.ts";
import { createConnection, createObject, readKubeconfig } from "../../packages/kubernetes/src/api/index.ts";
import { type KubeObject, labelsOf, RESOURCES, selectorOf } from "../../packages/kubernetes/src/index.ts";
import { joinCluster, ON_SIMULATED, simulateNodes, type TestNamespace, until } from "./fixture/index.ts";

const TOOL = join(import.meta.dirname, "..", "..", "bulwark");
const RELEASES = Number(process.env.BULWARK_SCALE ?? 1000);
const EXECUTORS = 4;
const PODS = RELEASES * (EXECUTORS + 1);
const MOST_SECONDS = 2;
const MOST_KB = 150_000;
const MINUTES = 60_000;

const cluster = await joinCluster();
const env = { PATH: cluster.env.PATH, KUBECONFIG: cluster.kubeconfig, HOME: createTestFolder() };
let namespace: TestNamespace;
let removeNodes: () => Promise<void>;
let watcher: ChildProcess | undefined;

const securityContext = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
const closed = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const planned = JSON.stringify({
  tee: "none",
  profile: "aes-gcm",
  executors: EXECUTORS,
  image: "nothing.invalid/image",
});
const counts = { done: 1, running: 1, failed: 0, total: 3 };
const progress = JSON.stringify({
  stages: counts,
  tasks: counts,
  executors: { registered: EXECUTORS, wanted: EXECUTORS },
  state: "running",
});

/** The objects of one release as the chart would make them, as far as the commands look. */
function describeObjects(release: string, place: string): [(typeof RESOURCES)[keyof typeof RESOURCES], KubeObject][] {
  const labels = labelsOf(release);
  const meta = (name: string, more: object = {}) => ({ name, namespace: place, labels, ...more });
  const pod = (name: string, role: string, more: object, annotations: object): KubeObject => {
    const containers = [{ name: `spark-${role}`, image: "nothing.invalid/image", securityContext: closed }];
    const metadata = meta(name, { labels: { ...labels, "bulwark/role": role, ...more }, annotations });
    return { metadata, spec: { ...ON_SIMULATED, securityContext, containers } } as KubeObject;
  };
  const template = {
    spec: {
      restartPolicy: "Never",
      securityContext,
      containers: [{ name: "spark-driver", image: "nothing.invalid/image", securityContext: closed }],
    },
  };
  const job = {
    metadata: meta(release, { annotations: { "bulwark/planned": planned } }),
    spec: { suspend: true, template },
  };
  return [
    [RESOURCES.jobs, job as KubeObject],
    [RESOURCES.configmaps, { metadata: meta(`${release}-conf`) }],
    [RESOURCES.pods, pod(`${release}-driver`, "driver", {}, { "bulwark/progress": progress })],
    ...Array.from({ length: EXECUTORS }, (_none, index): [typeof RESOURCES.pods, KubeObject] => [
      RESOURCES.pods,
      pod(`${release}-exec-${index + 1}`, "executor", { "spark-exec-id": String(index + 1) }, {}),
    ]),
  ];
}

async function makeAll(): Promise<void> {
  const access = await readKubeconfig([cluster.kubeconfig], { now: new Date() });
  const connection = createConnection(access, { runProgram: async () => "", now: () => new Date() });
  const left = Array.from({ length: RELEASES }, (_none, index) => `release-${String(index).padStart(4, "0")}`).flatMap(
    (release) => describeObjects(release, namespace.name),
  );
  const make = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await createObject(connection, ...next);
  };
  await Promise.all(Array.from({ length: 16 }, make));
  connection.close();
}

before(
  async () => {
    namespace = await cluster.makeNamespace("scale");
    removeNodes = await simulateNodes(cluster, Math.ceil(PODS / 250) + 1);
    await makeAll();
    await until("the pods to run", async () => (await countRunning()) === PODS, 10 * MINUTES);
  },
  { timeout: 15 * MINUTES },
);

after(
  async () => {
    watcher?.kill("SIGKILL");
    await removeNodes?.();
    await namespace?.remove();
  },
  { timeout: 10 * MINUTES },
);

async function countRunning(): Promise<number> {
  const names = await cluster.kubectl([
    "get",
    "pods",
    "-n",
    namespace.name,
    "--field-selector=status.phase=Running",
    "-o",
    "name",
  ]);
  return names.split("\n").filter((name) => name !== "").length;
}

test("list shows all of them in time", { timeout: 5 * MINUTES }, () => {
  const seconds = [1, 2, 3].map(() => {
    const startedAt = performance.now();
    const { stdout } = spawnSync(TOOL, ["list", "-n", namespace.name, "-o", "name"], {
      env,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    assert.equal(stdout.split("\n").length - 1, RELEASES);
    return (performance.now() - startedAt) / 1000;
  });
  const best = Math.min(...seconds);
  process.stdout.write(`# list of ${RELEASES} releases: ${seconds.map((each) => each.toFixed(2)).join(", ")} s\n`);
  assert.ok(best < MOST_SECONDS, `${best.toFixed(2)} s`);
});

test("watching all of them takes little memory", { timeout: 5 * MINUTES }, async () => {
  const child = spawn(TOOL, ["list", "-n", namespace.name, "--watch"], { env, stdio: ["ignore", "pipe", "inherit"] });
  watcher = child;
  let lines = 0;
  child.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString("utf8").split("\n").length - 1));
  await until("every release to be told", async () => lines >= RELEASES, 2 * MINUTES);
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
  process.stdout.write(`# peak while watching ${PODS} pods: ${peak} kB\n`);
  assert.ok(peak < MOST_KB, `${peak} kB`);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  assert.equal((await ended)[0], 130);
});

test("delete --all leaves nothing", { timeout: 10 * MINUTES }, async () => {
  const { status, stderr } = spawnSync(TOOL, ["delete", "--all", "--yes", "-n", namespace.name, "--timeout", "8m"], {
    env,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const left = await cluster.kubectl([
    "get",
    "all,configmaps,secrets",
    "-n",
    namespace.name,
    "-l",
    selectorOf(),
    "-o",
    "name",
  ]);
  assert.equal(left.trim(), "");
});
