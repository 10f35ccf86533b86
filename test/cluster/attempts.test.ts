// SPDX-License-Identifier: Apache-2.0
// Launchers and drivers die, by SIGKILL and by deletion: a job is tried again as declared, and never by two drivers.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { watchDrivers } from "./chart/driver-watch.ts";
import { killJvm } from "./chart/processes.ts";
import { install, PAUSE_MS, type Release } from "./chart/release.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 300_000;
/** A driver ends within it when its launcher has ended. */
const ENDS_MS = 60_000;
const NUMBERS = 160;
const TOTAL = new RegExp(`^total ${((NUMBERS - 1) * NUMBERS * (2 * NUMBERS - 1)) / 6}$`, "m");

let cluster: Cluster;
let namespace: TestNamespace;
let program: Record<string, string>;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("attempts");
  program = { "totals.py": await readFile(join(import.meta.dirname, "jobs/totals.py"), "utf8") };
  await cluster.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "spark-secret", namespace: namespace.name },
    stringData: { secret: randomBytes(32).toString("base64url") },
  });
});
after(() => namespace?.remove());

const WAYS: Readonly<Record<string, (pod: string) => Promise<unknown>>> = {
  "kill -9": async (pod) => assert.ok(killJvm(pod), `the JVM of ${pod}`),
  deletion: (pod) => cluster.kubectl(["delete", "pod", pod, "-n", namespace.name, "--wait=false"]),
};

type Case = { deployMode: "client" | "cluster"; retries: number; victim: "launcher" | "driver"; way: string };

const CASES: Readonly<Record<string, Case>> = {
  "launcher-killed": { deployMode: "cluster", retries: 1, victim: "launcher", way: "kill -9" },
  "launcher-killed-once": { deployMode: "cluster", retries: 0, victim: "launcher", way: "kill -9" },
  "launcher-deleted": { deployMode: "cluster", retries: 1, victim: "launcher", way: "deletion" },
  "launched-driver-killed": { deployMode: "cluster", retries: 1, victim: "driver", way: "kill -9" },
  "driver-deleted": { deployMode: "client", retries: 1, victim: "driver", way: "deletion" },
  "driver-deleted-once": { deployMode: "client", retries: 0, victim: "driver", way: "deletion" },
};

const isMidStage = async (release: Release): Promise<boolean> => ((await release.progress())?.tasks.done ?? 0) > 3;

/** Waits until Kubernetes takes the job for ended; how. */
async function findEnd(name: string): Promise<string | undefined> {
  type Job = { status: { conditions?: { type: string; status: string }[] } };
  let end: string | undefined;
  const look = async (): Promise<boolean> => {
    const { status } = await cluster.api.read<Job>(`/apis/batch/v1/namespaces/${namespace.name}/jobs/${name}`);
    end = status.conditions?.find((one) => ["Complete", "Failed"].includes(one.type) && one.status === "True")?.type;
    return end !== undefined;
  };
  await until(`the end of ${name}`, look, STEP_MS, PAUSE_MS);
  return end;
}

async function tryCase(name: string): Promise<string> {
  const { deployMode, retries, victim, way } = CASES[name] as Case;
  const release = await install(cluster, namespace, name, {
    python: "totals.py",
    program,
    args: [String(NUMBERS)],
    deployMode,
    retries,
    ui: { enabled: false },
    driver: { memory: "512m" },
    executor: { memory: "512m", instances: 1 },
  });
  await until(`a driver of ${name}`, async () => (await release.pods("driver")).length > 0, STEP_MS, PAUSE_MS);
  const watch = await watchDrivers(cluster, namespace, name);
  try {
    await until(`tasks of ${name} that are done`, () => isMidStage(release), STEP_MS, PAUSE_MS);
    const [pod] = await release.pods(victim);
    await WAYS[way]?.(pod?.metadata.name ?? "");
    const end = await findEnd(name);
    await until(`no driver of ${name} to live`, () => watch.alive() === 0, ENDS_MS, PAUSE_MS);
    if (end === "Complete") assert.match((await release.end()).log, TOTAL, name);
    return `${end}, ${watch.names().length} drivers, at most ${watch.most()} at once`;
  } finally {
    watch.stop();
    await release.uninstall();
  }
}

test("a job whose launcher or driver dies is tried again as declared, never by two drivers", {
  timeout: 900_000,
}, async () => {
  const waiting = Object.keys(CASES);
  const found: Record<string, string> = {};
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) found[name] = await tryCase(name);
  };
  // Side by side, since each waits for its pods most of the time.
  await Promise.all([work(), work(), work()]);
  const expected = Object.entries(CASES).map(([name, { retries }]) => [
    name,
    retries === 0 ? "Failed, 1 drivers, at most 1 at once" : "Complete, 2 drivers, at most 1 at once",
  ]);
  assert.deepEqual(found, Object.fromEntries(expected));
});
