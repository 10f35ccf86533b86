// SPDX-License-Identifier: Apache-2.0
// charts/serving with Flink as its engine, on a real node: what it answers, what it stands, and what it leaves.
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { buildFlinkImage } from "../../scripts/images/flink-image.ts";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { until } from "./fixture/index.ts";
import { type Caller, type LoadCounts, makeCaller, readCredentials, sumOf } from "./serving/caller.ts";
import { askAround, assertConfined, prepareRelease, READY_LIMIT, type ServingRelease } from "./serving/release.ts";

const CALLERS = 4;
/** Of the engines, as the chart leaves it. */
const MIN_IDLE_MS = 10_000;

let release: ServingRelease;
let values: Record<string, object | string>;
let callers: Caller[];

const ENGINE = { memory: "256m" };

before(async () => {
  const quiet = (): void => undefined;
  const [serving, flink] = [await buildServingImage({}, quiet), await buildFlinkImage({}, quiet)];
  release = await prepareRelease("serving-flink", [serving, flink]);
  values = {
    image: serving.name,
    models: { claim: "models", delivery: { "*": "durable" } },
    gateway: { replicas: 1, memory: "512m", leave: "4s", drain: "10s", requestTimeout: "60s" },
    engine: { ...ENGINE, kind: "flink", flinkImage: flink.name },
    redis: { memory: "128m", storage: "512m" },
  };
});
after(async () => {
  for (const caller of callers ?? []) caller.close();
  await release?.close();
});

/** How often a subtask of Flink's said, in the pods that there are, that it takes records. */
async function countReady(subtask = 0): Promise<number> {
  const pods = await release.listPods("taskmanager");
  // What has not begun yet, or just ended, has no log.
  const logOf = (pod: string): Promise<string> => release.kubectl("logs", pod).catch(() => "");
  const logs = await Promise.all(pods.map(({ metadata }) => logOf(metadata.name)));
  return logs.join("").split(`flink-${release.namespace.name}-clouds-${subtask} is ready`).length - 1;
}

test("it is installed in a restricted namespace, and ready when the job takes records", async () => {
  await release.helm("install", values);
  assert.deepEqual(await release.listParts(), ["gateway", "jobmanager", "redis", "taskmanager"]);
  assert.equal(await countReady(), 1);
});

test("models answer, encrypted ones too, computed by Flink: there is no other engine", async () => {
  const credentials = await readCredentials(release.cluster, release.namespace, "clouds-client");
  const target = await release.findTarget(10023);
  callers = Array.from({ length: CALLERS }, () => makeCaller(target, credentials));
  for (const model of ["sum", "queued", "closed"]) {
    const answer = await callers[0]?.ask({ path: `/v2/models/${model}/infer`, body: sumOf(40, 2.5) });
    assert.equal(answer?.status, 200, answer?.body);
    assert.deepEqual(JSON.parse(answer?.body ?? "").outputs, [
      { name: "y", shape: [1, 1], datatype: "FP32", data: [42.5] },
    ]);
  }
});

test("what Flink's pods write, they write to /tmp alone, and as nobody's root", async () => {
  for (const part of ["jobmanager", "taskmanager"]) await assertConfined(release, part);
});

/** Asks while something happens to Flink's pods, until a subtask takes records again. Nothing is lost. */
async function stand(context: TestContext, what: string, act: () => Promise<void>): Promise<LoadCounts> {
  const counts = await askAround(callers, "queued", act);
  context.diagnostic(`${what}: ${JSON.stringify(counts)}`);
  return counts;
}

const LOSSES: Readonly<Record<string, (part: string) => Promise<unknown>>> = {
  /** Ends a pod as the loss of its node would: no process in it is asked. */
  async killed(part) {
    const [pod] = await release.listPods(part);
    return release.kubectl("delete", "pod", pod?.metadata.name ?? "", "--grace-period=0", "--force");
  },
  replaced: (part) => release.kubectl("rollout", "restart", `deployment/clouds-${part}`),
};

async function lose(part: string, how: keyof typeof LOSSES): Promise<void> {
  await LOSSES[how]?.(part);
  await release.kubectl("rollout", "status", `deployment/clouds-${part}`, `--timeout=${READY_LIMIT}`);
}

/** Until it is gone, and subtasks are ready in those that there are then. */
async function loseTaskManager(how: keyof typeof LOSSES, areReady: () => Promise<boolean>): Promise<void> {
  const [former] = await release.listPods("taskmanager");
  await lose("taskmanager", how);
  await until("the subtask in the new pod", async () => {
    const names = (await release.listPods("taskmanager")).map(({ metadata }) => metadata.name);
    return !names.includes(former?.metadata.name ?? "") && (await areReady());
  });
}

for (const how of Object.keys(LOSSES)) {
  test(`the task manager is ${how} under load: its successor goes on where it ended`, async (context) => {
    const isReady = async (): Promise<boolean> => (await countReady()) === 1;
    await stand(context, `task manager ${how}`, () => loseTaskManager(how, isReady));
  });

  test(`the job manager is ${how} under load: the new one starts the job again`, async (context) => {
    await stand(context, `job manager ${how}`, async () => {
      const before = await countReady();
      await lose("jobmanager", how);
      await until("the job anew", async () => (await countReady()) > before);
    });
  });
}

test("Flink gives way to an embedded engine under load: both take records, then one", async (context) => {
  const both = { ...values, engine: { ...(values.engine as object), kind: "both" } };
  assert.equal((await stand(context, "both engines", () => release.helm("upgrade", both))).refused, 0);
  assert.deepEqual(await release.listParts(), ["engine", "gateway", "jobmanager", "redis", "taskmanager"]);
  const embedded = { ...values, engine: ENGINE };
  const { refused, slowestMs } = await stand(context, "embedded alone", async () => {
    await release.helm("upgrade", embedded);
    await until("Flink to be gone", async () => (await release.listParts()).length === 3);
  });
  assert.equal(refused, 0);
  assert.ok(slowestMs < MIN_IDLE_MS, `${slowestMs} ms: what Flink held was given back`);
  assert.deepEqual(await release.listParts(), ["engine", "gateway", "redis"]);
});

test("Flink takes over again, on two task managers: each takes records", async (context) => {
  const two = { ...values, engine: { ...(values.engine as object), taskManagers: 2 } };
  assert.equal((await stand(context, "two task managers", () => release.helm("upgrade", two))).refused, 0);
  await until("the embedded engine to be gone", async () => !(await release.listParts()).includes("engine"));
  assert.deepEqual(await release.listParts(), ["gateway", "jobmanager", "redis", "taskmanager", "taskmanager"]);
  const areBothReady = async (): Promise<boolean> => (await countReady(0)) > 0 && (await countReady(1)) > 0;
  await until("a subtask in each", areBothReady);
  await stand(context, "one of two killed", () => loseTaskManager("killed", areBothReady));
});

test("uninstalled it leaves the queue's claim and the Secrets that were made beside it, and nothing else", async () => {
  assert.deepEqual(await release.uninstall(), []);
});
