// SPDX-License-Identifier: Apache-2.0
// A job that comes back by the clock: each run is told for itself, and nothing of any is left.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { REPOSITORY } from "../e2e/harness.ts";
import { killJvm } from "./chart/processes.ts";
import { findRelease, type Pod } from "./chart/release.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 180_000;

const cluster = await joinCluster();
let namespace: TestNamespace;
let data: string;
const tool = await makeTool(cluster);

before(async () => {
  namespace = await cluster.makeNamespace("schedule");
  data = (await cluster.makeVolume(namespace, "data")).folder;
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

/** A job that goes on until a file says that it is enough, and then lets its executors work; what it is made of tells the version. */
function writeVersion(name: string, deployMode: string, version: string): string {
  const waits = readFileSync(join(import.meta.dirname, "jobs/waits.py"), "utf8");
  const sum = `print("${version}", context.parallelize(range(100), 4).sum(), flush=True)`;
  writeFileSync(join(tool.home, `${name}.py`), waits.replace("context.stop()", `${sum}\ncontext.stop()`));
  return tool.writeJob(name, {
    ...{ deployMode, python: `${name}.py`, pvc: "data", args: [`/data/${name}`, `/data/${name}-end`] },
    ...{ schedule: "0 0 29 2 *", suspend: true },
    executor: { instances: 1, memory: "512m", podTemplate: { labels: { version } } },
  });
}

/** ConfigMaps of the chart that a pod mounts. */
const mountsOf = ({ spec }: Pod): string[] =>
  spec.volumes.flatMap(({ name, configMap }) =>
    configMap !== undefined && ["conf", "program"].includes(name) ? [configMap.name] : [],
  );

for (const deployMode of ["client", "cluster"]) {
  test(`a run goes on as it was made while its schedule is upgraded: ${deployMode}`, { timeout: 480_000 }, async () => {
    const name = `versions-${deployMode}`;
    const place = ["-n", namespace.name];
    const submit = async (version: string, ...more: string[]): Promise<void> => {
      const file = writeVersion(name, deployMode, version);
      const { code, stderr } = await tool.run("submit", name, "-f", file, ...more, ...place);
      assert.equal(code, EXIT.done, stderr);
    };
    // A schedule makes its jobs of the same template; so no clock needs to be waited for.
    const begin = (run: string): Promise<string> =>
      cluster.kubectl(["create", "job", run, `--from=cronjob/${name}`, ...place]);
    const expectEnd = (run: string): Promise<string> =>
      cluster.kubectl(["wait", "--for=condition=complete", `job/${run}`, `--timeout=${STEP_MS}ms`, ...place]);
    const release = findRelease(cluster, namespace, name);
    const configuration = async (): Promise<string[]> =>
      (await cluster.get<{ items: Pod[] }>(["configmaps", "-l", `app.kubernetes.io/instance=${name}`, ...place])).items
        .map(({ metadata }) => metadata.name)
        .filter((map) => /-(conf|program)(-[0-9a-f]+)?$/.test(map))
        .toSorted();
    /** The executor that is at work, beside one that is known. */
    const findExecutor = async (known?: Pod): Promise<Pod> => {
      let found: Pod | undefined;
      const look = async (): Promise<boolean> => {
        found = (await release.pods("executor")).find(
          ({ metadata, status }) => metadata.uid !== known?.metadata.uid && status.phase === "Running",
        );
        return found !== undefined;
      };
      await until("an executor", look, STEP_MS);
      return found as Pod;
    };
    const logOf = async (driver?: Pod): Promise<string> =>
      await cluster.kubectl(["logs", driver?.metadata.name ?? "", ...place]);

    await submit("old");
    await begin(`${name}-one`);
    const first = await findExecutor();
    const made = mountsOf(first);
    assert.equal(made.length, 2);
    const [driver] = await release.pods("driver");
    await until("the job to be ready", async () => /^ready on/m.test(await logOf(driver)), STEP_MS);

    await submit("new", "--upgrade");
    // Now the schedule names the new generation, and the run alone the old one.
    const chart = join(REPOSITORY, "charts", "spark-job");
    await cluster.run(cluster.programs.helm4, ["upgrade", name, chart, "--reuse-values", ...place]);
    const both = await configuration();
    assert.equal(both.length, 5, both.join());
    assert.ok(made.every((map) => both.includes(map)));

    assert.ok(killJvm(first.metadata.name));
    const second = await findExecutor(first);
    assert.equal(second.metadata.labels.version, "old");
    assert.deepEqual(mountsOf(second), made);
    writeFileSync(join(data, `${name}-end`), "");
    await expectEnd(`${name}-one`);
    assert.match(await logOf(driver), /^old 4950$/m);

    await begin(`${name}-two`);
    await expectEnd(`${name}-two`);
    const next = (await release.pods("driver")).find(({ metadata }) => metadata.uid !== driver?.metadata.uid);
    assert.match(await logOf(next), /^new 4950$/m);
    assert.deepEqual(
      mountsOf(next as Pod),
      both.filter((map) => !made.includes(map) && map !== `${name}-conf`),
    );

    await submit("new", "--upgrade");
    assert.deepEqual(
      await configuration(),
      both.filter((map) => !made.includes(map)),
    );
    const deleted = await tool.run("delete", name, ...place);
    assert.equal(deleted.code, EXIT.done, deleted.stderr);
    assert.deepEqual(await release.left(), []);
  });
}
