// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { BulwarkError, EXIT, toExitCode } from "@bulwark/contracts";
import type { Pod } from "@bulwark/kubernetes";
import { hear, startFakeCluster } from "../testing/fake-cluster.ts";
import { followToEnd } from "./follow.ts";
import { openCluster } from "./open.ts";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

const JOB = { metadata: { name: "pi" } };
const COMPLETE = { ...JOB, status: { conditions: [{ type: "Complete", status: "True" }] } };

const makePod = (name: string, role: string, number?: number): Pod => ({
  metadata: {
    name,
    labels: { "bulwark/role": role, ...(number === undefined ? {} : { "spark-exec-id": `${number}` }) },
  },
  spec: { nodeName: "node-1" },
  status: { phase: "Running" },
});

const withoutImage = (pod: Pod): Pod => ({
  ...pod,
  status: {
    phase: "Pending",
    containerStatuses: [
      { name: "spark-executor", state: { waiting: { reason: "ErrImagePull", message: "not found" } } },
    ],
  },
});

/** Follows a job of a driver that runs and one executor; whether the other stumbles for longer than is waited for. */
async function followJob(executor: Pod, stumbling: Pod) {
  await using cluster = await startFakeCluster();
  cluster.put("jobs", "pi", JOB);
  cluster.put("pods", "pi", makePod("pi-a", "driver"));
  cluster.put("pods", "pi", executor);
  const context = cluster.makeContext();
  const options = { output: false, signal: context.signal };
  const followed = followToEnd(context, await openCluster(context, {}), "pi", options).catch((error: unknown) => error);
  for (const change of [() => undefined, () => cluster.put("pods", "pi", stumbling)]) {
    change();
    await hear();
    mock.timers.tick(16_000);
  }
  await hear();
  cluster.put("jobs", "pi", COMPLETE);
  return await followed;
}

test("a job whose executors get no image is not waited for", async () => {
  const end = await followJob(
    withoutImage(makePod("pi-1", "executor", 1)),
    withoutImage(makePod("pi-2", "executor", 2)),
  );
  assert.ok(end instanceof BulwarkError, String(end));
  assert.deepEqual([end.code, toExitCode(end)], ["POD_START_FAILED", EXIT.invalid]);
  assert.deepEqual(
    end.findings.map(({ path }) => path),
    ["image"],
  );
});

test("a job of which an executor runs is waited for, whatever becomes of the next", async () => {
  const end = await followJob(makePod("pi-1", "executor", 1), withoutImage(makePod("pi-2", "executor", 2)));
  assert.equal((end as { state?: string }).state, "succeeded", String(end));
});
