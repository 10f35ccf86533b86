// SPDX-License-Identifier: Apache-2.0
// A namespace with a thousand releases and five thousand pods: it is listed at once, watched in little memory, and
// emptied. Too long for every change: npm run cluster -- test test/cluster/scale.test.ts
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { findRelease, RELEASE_PATHS } from "./chart/release.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import {
  joinCluster,
  type KubernetesObject,
  ON_SIMULATED,
  simulateNodes,
  type TestNamespace,
  until,
} from "./fixture/index.ts";

const RELEASES = 1000;
const EXECUTORS = 4;
const AT_ONCE = 16;
/** What every other release is copied from. */
const PATTERN = "scale-0000";
/** Kinds that controllers make by themselves. */
const MADE_BY_OTHERS = "pods";

const LIST_LIMIT_SECONDS = 2;
const WATCH_LIMIT_BYTES = 150e6;
const FILL_LIMIT_MS = 900_000;

const cluster = await joinCluster();
let namespace: TestNamespace;
let tool: Tool;
let endSimulation: (() => Promise<void>) | undefined;

before(async () => {
  namespace = await cluster.makeNamespace("scale");
  tool = await makeTool(cluster);
  endSimulation = await simulateNodes(cluster, 24);
  await fill();
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
  await endSimulation?.();
});

const place = (path: string): string => {
  const [, group, kind] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
  return `/${group}/namespaces/${namespace.name}/${kind}`;
};

/** One job by the tool, the others as copies of what it made, Helm's record included; then executors for each driver. */
async function fill(): Promise<void> {
  const { nodeSelector, tolerations } = ON_SIMULATED;
  const file = tool.writeJob(PATTERN, { nodeSelector, tolerations, executor: { instances: EXECUTORS } });
  const { code, stderr } = await tool.run("submit", "-f", file, "-n", namespace.name);
  assert.equal(code, 0, stderr);
  const pattern = findRelease(cluster, namespace, PATTERN);
  await until("the first driver", async () => (await pattern.pods("driver")).length === 1);
  const selectors = [`app.kubernetes.io/instance=${PATTERN}`, `owner=helm,name=${PATTERN}`];
  const made = await Promise.all(
    RELEASE_PATHS.filter((path) => !path.endsWith(MADE_BY_OTHERS)).flatMap((path) =>
      selectors.map(async (selector) => {
        const query = `labelSelector=${encodeURIComponent(selector)}`;
        const { items } = await cluster.api.read<{ items: KubernetesObject[] }>(`${place(path)}?${query}`);
        return items.map((object) => ({ path, object }));
      }),
    ),
  );
  const numbers = Array.from({ length: RELEASES - 1 }, (_none, index) => index + 1);
  await inParallel(numbers, async (number) => {
    for (const { path, object } of made.flat()) await cluster.api.create(place(path), copyFor(object, number));
  });
  const drivers = async () => (await listPods()).filter(({ metadata }) => metadata.labels["bulwark/role"] === "driver");
  await until("every driver", async () => (await drivers()).length === RELEASES, FILL_LIMIT_MS, 1000);
  await inParallel(await drivers(), async (driver) => {
    for (let number = 1; number <= EXECUTORS; number++) {
      await cluster.api.create(place("api/v1/pods"), describeExecutor(driver, number));
    }
  });
  await until(
    "every pod to run",
    async () => (await listPods()).every(({ status }) => status.phase === "Running"),
    FILL_LIMIT_MS,
    1000,
  );
}

type Pod = {
  metadata: { name: string; uid: string; labels: Record<string, string> };
  spec: KubernetesObject;
  status: { phase: string };
};

async function listPods(): Promise<Pod[]> {
  return (await cluster.api.read<{ items: Pod[] }>(place("api/v1/pods"))).items;
}

/** The same object of another release: a name is in many places, and packed in Helm's record. */
function copyFor(object: KubernetesObject, number: number): KubernetesObject {
  const rename = (text: string): string => text.replaceAll(PATTERN, nameOf(number));
  const copy = JSON.parse(rename(JSON.stringify(object))) as KubernetesObject & { data?: Record<string, string> };
  const { uid, resourceVersion, creationTimestamp, managedFields, ownerReferences, generation, ...metadata } =
    copy.metadata;
  const { spec, status, ...rest } = copy as KubernetesObject & { spec?: { selector?: object } };
  const packed = copy.data?.release;
  if (packed !== undefined && copy.data !== undefined) {
    // Helm's driver for Secrets: base64 of a gzip, in base64 as any Secret's entry.
    const record = gunzipSync(Buffer.from(Buffer.from(packed, "base64").toString(), "base64")).toString();
    const again = gzipSync(rename(record), { level: 1 }).toString("base64");
    copy.data.release = Buffer.from(again).toString("base64");
  }
  return { ...rest, metadata, ...(spec === undefined ? {} : { spec: "template" in spec ? freshJob(spec) : spec }) };
}

/** Without what the API server gives to each Job by itself. */
function freshJob(spec: object): object {
  const { selector, template, ...rest } = spec as { selector: object; template: { metadata: { labels: object } } };
  const labels = Object.fromEntries(
    Object.entries(template.metadata.labels).filter(([name]) => !/controller-uid|job-name$/.test(name)),
  );
  return { ...rest, template: { ...template, metadata: { ...template.metadata, labels } } };
}

const nameOf = (number: number): string => `scale-${String(number).padStart(4, "0")}`;

function describeExecutor({ metadata }: Pod, number: number): KubernetesObject {
  const release = metadata.labels["app.kubernetes.io/instance"] ?? "";
  const kept = Object.entries(metadata.labels).filter(([name]) => name.startsWith("app.kubernetes.io/"));
  const security = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${release}-exec-${number}`,
      labels: { ...Object.fromEntries(kept), "bulwark/role": "executor", "spark-role": "executor" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: metadata.name, uid: metadata.uid, controller: true }],
    },
    spec: {
      ...ON_SIMULATED,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 185, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{ name: "spark-executor", image: "nothing.invalid/image", securityContext: security }],
    },
  };
}

async function inParallel<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items];
  const work = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
      await each(item).catch((error: Error) => {
        rest.length = 0;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

test("all are listed within two seconds", async (context) => {
  assert.equal((await listPods()).length, RELEASES * (EXECUTORS + 1));
  const { code, stdout, stderr, seconds } = await tool.run("list", "-n", namespace.name, "-o", "json");
  assert.equal(code, 0, stderr);
  const { items } = JSON.parse(stdout) as { items: { name: string }[] };
  assert.equal(new Set(items.map(({ name }) => name)).size, RELEASES);
  context.diagnostic(`${seconds.toFixed(2)} s`);
  assert.ok(seconds < LIST_LIMIT_SECONDS, `${seconds} s`);
});

test("they are watched in less than 150 MB", async (context) => {
  const watching = tool.start("list", "--watch", "-n", namespace.name);
  const lines = (): number => watching.said.stdout.split("\n").length - 1;
  await until("every release to be told", async () => lines() >= RELEASES, 120_000);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${watching.child.pid}/status`, "utf8"))?.[1];
  watching.child.kill("SIGINT");
  await watching.ended;
  const bytes = Number(peak) * 1024;
  context.diagnostic(`${Math.round(bytes / 1e6)} MB at most`);
  assert.ok(bytes < WATCH_LIMIT_BYTES, `${bytes} bytes`);
});

test("delete --all leaves nothing", { timeout: 1_800_000 }, async (context) => {
  const { code, stderr, seconds } = await tool.run(
    "delete",
    "--all",
    "--yes",
    "-n",
    namespace.name,
    "--timeout",
    "10m",
  );
  assert.equal(code, 0, stderr);
  context.diagnostic(`${Math.round(seconds)} s`);
  for (const path of RELEASE_PATHS) {
    const query = `labelSelector=${encodeURIComponent("app.kubernetes.io/part-of=bulwark")}`;
    assert.deepEqual((await cluster.api.read<{ items: unknown[] }>(`${place(path)}?${query}`)).items, [], path);
  }
  const records = await cluster.api.read<{ items: unknown[] }>(`${place("api/v1/secrets")}?labelSelector=owner%3Dhelm`);
  assert.deepEqual(records.items, []);
});
