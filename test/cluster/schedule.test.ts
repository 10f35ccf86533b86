// SPDX-License-Identifier: Apache-2.0
// A job that comes back by the clock: each run is told for itself, and nothing of any is left.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { findRelease, type Pod } from "./chart/release.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 180_000;

const cluster = await joinCluster();
let namespace: TestNamespace;
const tool = await makeTool(cluster);

before(async () => {
  namespace = await cluster.makeNamespace("schedule");
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

type Status = {
  state: string;
  schedule: string;
  timeZone: string;
  restarts: number;
  createdAt: string;
  driver?: { pod: string };
};

test("a schedule runs, tells of its newest run, and goes without a trace", { timeout: 2 * STEP_MS }, async () => {
  const run = (...args: string[]): Promise<Ended> => tool.run(...args, "-n", namespace.name);
  const status = async (): Promise<Status> => JSON.parse((await run("status", "minutely", "-o", "json")).stdout);
  const file = tool.writeJob("minutely", {
    schedule: "* * * * *",
    timeZone: "Europe/Berlin",
    concurrencyPolicy: "Forbid",
    executor: { instances: 1, memory: "512m" },
  });
  const submitted = await run("submit", "-f", file);
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  type CronJob = { spec: { schedule: string; timeZone: string; concurrencyPolicy: string } };
  const { spec } = await cluster.get<CronJob>(["cronjob", "minutely", "-n", namespace.name]);
  assert.deepEqual([spec.schedule, spec.timeZone, spec.concurrencyPolicy], ["* * * * *", "Europe/Berlin", "Forbid"]);

  await until("the first run to end", async () => (await status()).state === "succeeded", STEP_MS);
  const shown = await run("status", "minutely");
  assert.match(shown.stdout, /^schedule +\* \* \* \* \* \(Europe\/Berlin\)$/m);
  const listed = JSON.parse((await run("list", "-o", "json")).stdout).items;
  assert.deepEqual(
    listed.map(({ name, schedule }: { name: string; schedule: string }) => [name, schedule]),
    [["minutely", "* * * * *"]],
  );

  // No clock needs to be waited for to see how two runs stand beside each other.
  await cluster.kubectl(["patch", "cronjob", "minutely", "-n", namespace.name, "--patch", '{"spec":{"suspend":true}}']);
  const release = findRelease(cluster, namespace, "minutely");
  const drivers = async (): Promise<Pod[]> => await release.pods("driver");
  const first = (await drivers()).map(({ metadata }) => metadata.name);
  await cluster.kubectl(["create", "job", "minutely-now", "--from=cronjob/minutely", "-n", namespace.name]);
  const isSecond = async (): Promise<boolean> => {
    const { state, driver } = await status();
    return state === "succeeded" && driver !== undefined && !first.includes(driver.pod);
  };
  await until("the second run to end", isSecond, STEP_MS);
  assert.equal((await status()).restarts, 0, "an earlier run is no attempt of this one");
  const logs = await run("logs", "minutely", "--driver");
  assert.match(logs.stdout, /^Pi is roughly 3\.\d+$/m);
  const previous = await run("logs", "minutely", "--driver", "--previous");
  assert.match(previous.stdout, /^Pi is roughly 3\.\d+$/m);
  assert.notEqual(previous.stdout, logs.stdout);

  const deleted = await run("delete", "minutely");
  assert.equal(deleted.code, EXIT.done, deleted.stderr);
  assert.deepEqual(await release.left(), []);
});
