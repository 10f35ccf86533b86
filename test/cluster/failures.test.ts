// SPDX-License-Identifier: Apache-2.0
// Parts of a job die, or come that do not belong to it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { watchDrivers } from "./chart/driver-watch.ts";
import { killJvm } from "./chart/processes.ts";
import { install, type Pod, type Release } from "./chart/release.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 240_000;
const NUMBERS = 160;
const TOTAL = new RegExp(`^total ${((NUMBERS - 1) * NUMBERS * (2 * NUMBERS - 1)) / 6}$`, "m");
const SECRET_ENTRY = "secret";

let cluster: Cluster;
let namespace: TestNamespace;
let program: Record<string, string>;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("failures");
  program = { "totals.py": await readFile(join(import.meta.dirname, "jobs/totals.py"), "utf8") };
  await makeSecret("spark-secret");
  await makeSecret("wrong-secret");
});
after(() => namespace?.remove());

const makeSecret = (name: string): Promise<void> =>
  cluster.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: namespace.name },
    stringData: { [SECRET_ENTRY]: randomBytes(32).toString("base64url") },
  });

/** A job of half a minute whose result is known. */
const installTotals = (name: string, values: object = {}): Promise<Release> =>
  install(cluster, namespace, name, {
    python: "totals.py",
    program,
    args: [String(NUMBERS)],
    ui: { enabled: false },
    driver: { memory: "512m" },
    executor: { memory: "512m", instances: 2 },
    ...values,
  });

const isMidStage = async (release: Release): Promise<boolean> => ((await release.progress())?.tasks.done ?? 0) > 3;

test("an executor that is killed is replaced, and the result is right", async () => {
  const release = await installTotals("replaced");
  await until("tasks that are done", () => isMidStage(release), STEP_MS);
  const [victim, other] = await release.pods("executor");
  assert.ok(victim !== undefined && other !== undefined);
  assert.ok(killJvm(victim.metadata.name));
  const before = [victim, other].map(({ metadata }) => metadata.uid);
  const isNew = ({ metadata }: Pod): boolean => !before.includes(metadata.uid);
  await until("another executor", async () => (await release.pods("executor")).some(isNew), STEP_MS);
  const { exitCode, log, progress } = await release.end();
  assert.equal(exitCode, 0, log);
  assert.match(log, TOTAL);
  assert.equal(progress.state, "succeeded");
  assert.equal((await release.pods("driver")).length, 1);
  await release.uninstall();
});

test("a driver that is killed is tried again as declared, and no two drivers ever live", async (context) => {
  const release = await installTotals("retried", { retries: 1 });
  const watch = await watchDrivers(cluster, namespace, "retried");
  context.after(() => watch.stop());
  await until("tasks that are done", () => isMidStage(release), STEP_MS);
  const [first] = watch.names();
  assert.ok(killJvm(first ?? ""));
  const { log } = await release.end();
  const logs = await Promise.all(
    watch.names().map((name) => cluster.kubectl(["logs", "-n", namespace.name, name]).catch(() => log)),
  );
  assert.equal(watch.names().length, 2);
  assert.equal(watch.most(), 1);
  assert.match(logs.join("\n"), TOTAL);
  const phases = (await release.pods("driver")).map(({ status }) => status.phase).toSorted();
  assert.deepEqual(phases, ["Failed", "Succeeded"]);
  await release.uninstall();
});

test("without retries, a driver that is killed is the end of the job", async (context) => {
  const release = await installTotals("once");
  const watch = await watchDrivers(cluster, namespace, "once");
  context.after(() => watch.stop());
  const [driver] = watch.names();
  await until("the driver to be killed", () => killJvm(driver ?? ""), STEP_MS);
  const { exitCode } = await release.end();
  assert.equal(exitCode, 137);
  assert.deepEqual(watch.names(), [driver]);
  await release.uninstall();
});

test("an executor with another application secret is refused", async () => {
  const release = await installTotals("guarded", { args: ["100000"], executor: { instances: 1, memory: "512m" } });
  await until("tasks that are done", () => isMidStage(release), STEP_MS);
  const [driver] = await release.pods("driver");
  const readLog = (): Promise<string> => cluster.kubectl(["logs", "-n", namespace.name, driver?.metadata.name ?? ""]);
  const hasRegistered = async (id: string): Promise<boolean> =>
    new RegExp(`Registered executor .* with ID ${id},`).test(await readLog());
  // With the job's own secret the same pod is taken: so it is the secret that decides.
  await addExecutor(release, "801", "spark-secret");
  await until("the executor with the right secret", () => hasRegistered("801"), STEP_MS);
  await addExecutor(release, "802", "wrong-secret");
  const name = ["-n", namespace.name, "pod", "guarded-802"];
  const readPhase = async (): Promise<string> => (await cluster.get<Pod>(name)).status.phase;
  await until("the other one to give up", async () => (await readPhase()) === "Failed", STEP_MS);
  assert.equal(await hasRegistered("802"), false);
  const log = await cluster.kubectl(["logs", "-n", namespace.name, "guarded-802"]);
  assert.match(log, /auth/i);
  await release.uninstall();
});

type Volume = { name: string; secret?: { secretName: string } };
type Raw = {
  metadata: { labels: Record<string, string>; ownerReferences: object[] };
  spec: {
    nodeName?: string;
    volumes: Volume[];
    containers: { args?: string[]; env?: { name: string; value?: string }[] }[];
  };
};

/**
 * An executor as the driver makes them, with another number, and its secret from elsewhere. Without Spark's own labels:
 * the driver would remove it, and its log, as soon as it failed.
 */
async function addExecutor(release: Release, id: string, secretName: string): Promise<void> {
  const [model] = await release.pods("executor");
  const { metadata, spec } = await cluster.get<Raw>(["-n", namespace.name, "pod", model?.metadata.name ?? ""]);
  const { nodeName: _placed, ...rest } = spec;
  const env = (one: { name: string; value?: string }) =>
    one.name === "SPARK_EXECUTOR_ID" ? { ...one, value: id } : one;
  await cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${release.name}-${id}`,
      namespace: namespace.name,
      labels: Object.fromEntries(Object.entries(metadata.labels).filter(([label]) => !label.startsWith("spark-"))),
      ownerReferences: metadata.ownerReferences,
    },
    spec: {
      ...rest,
      containers: rest.containers.map((container) => ({ ...container, env: container.env?.map(env) })),
      volumes: rest.volumes.map((volume) =>
        volume.name === "secret-application" ? { ...volume, secret: { ...volume.secret, secretName } } : volume,
      ),
    },
  });
}
