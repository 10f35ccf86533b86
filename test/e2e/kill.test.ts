// SPDX-License-Identifier: Apache-2.0
// Whatever is killed, and whenever: no process, no secret, no half-written output stays, and a rerun works.
import assert from "node:assert/strict";
import { access, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { findMarkedProcesses, sendSignal } from "../../cli/src/runs/processes.ts";
import type { SecurityReport } from "../../cli/src/runs/security/report.ts";
import { type Home, makeHome, readRecord, type StartedRun, until } from "./harness.ts";
import { DRIVER_MAIN, EXECUTOR_MAIN, findByMain, findGuard } from "./intruder.ts";
import { createRandom } from "./random.ts";

const MOMENTS = 20;
const SEED = 20_260_301;
const CLEAN_WITHIN_MS = 15_000;

/** Tasks that take their time in Python and write: JVMs, Python driver, daemon and workers, and staged output exist. */
const SLOW_JOB = `
import sys, time
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

pause = float(sys.argv[2])
spark = SparkSession.builder.getOrCreate()

@udf("long")
def slow(number):
    time.sleep(pause)
    return number

spark.range(8, numPartitions=4).select(slow("id").alias("id")).write.parquet(sys.argv[1])
print("done", flush=True)
`;

let home: Home;
before(async () => {
  home = await makeHome("numbers");
  await home.write("slow.py", SLOW_JOB);
  await home.write("slow.yaml", describeJob(0.5));
  await home.write("quick.yaml", describeJob(0));
});
after(() => home.remove());

function describeJob(pauseSeconds: number): string {
  return JSON.stringify({
    name: "slow",
    python: "slow.py",
    args: ["{data.out}", pauseSeconds],
    executor: { instances: 1, memory: "512m" },
    driver: { memory: "512m" },
    data: { out: { path: "outputs/out", mode: "write", key: "numbers", overwrite: true } },
  });
}

test("an executor that is killed is replaced, looked at like the first ones, and the job succeeds", async () => {
  const run = home.startRun("slow.yaml");
  const { id } = await run.identify();
  await run.waitForEvent("stage");
  const [executor] = findByMain(id, EXECUTOR_MAIN);
  assert.ok(executor !== undefined);
  sendSignal(executor, "SIGKILL");
  await run.waitForEvent("executor-removed");
  const end = await run.ended;
  assert.equal(end.code, 0, end.stderr);
  const added = (await run.events()).filter((event) => event.type === "executor-added");
  assert.deepEqual(
    added.map(({ executor: name }) => name),
    ["0", "1"],
  );
  assert.equal((await readRecord(home, id)).state, "succeeded");
  const report = JSON.parse(await readFile(join(home.runs, id, "security-report.json"), "utf8")) as SecurityReport;
  const replacement = report.observations.find(({ subject }) => subject.startsWith("executor 1,"));
  assert.equal(replacement?.asPlanned, true, JSON.stringify(report.observations));
  await assertClean(id);
});

test("a run whose folder is removed ends, and says so", async () => {
  const run = home.startRun("slow.yaml");
  const { id, folder } = await run.identify();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const end = await run.ended;
  assert.notEqual(end.code, 0);
  assert.doesNotMatch(end.stderr, /error BUG/);
  assert.deepEqual(findMarkedProcesses(id), []);
});

/** What is done to a run, and the states in which another terminal may find it afterwards. */
type Blow = { strike: (run: StartedRun, id: string) => Promise<void>; states: readonly string[] };

const kill = (pids: readonly number[]): void => {
  for (const pid of pids) sendSignal(pid, "SIGKILL");
};

const BLOWS: Readonly<Record<string, Blow>> = {
  "the tool": {
    strike: async (run) => kill([run.pid]),
    states: ["lost", "succeeded"],
  },
  "the driver": {
    strike: async (_run, id) => kill(findByMain(id, DRIVER_MAIN)),
    states: ["failed", "succeeded"],
  },
  "guard and tool at once": {
    strike: async (run, id) => {
      // Stopped, the tool cannot start another guard: both are gone at once, as when the power fails.
      sendSignal(run.pid, "SIGSTOP");
      kill(findGuard(id));
      kill([run.pid]);
      await run.ended;
      await until("end of the JVMs", () => findMarkedProcesses(id).length === 0, CLEAN_WITHIN_MS);
      const stopped = await home.bulwark("stop", id, "-o", "json");
      assert.ok(stopped.code === 0 || JSON.parse(stopped.stdout).error.code === "RUN_ENDED", stopped.stdout);
    },
    states: ["lost", "succeeded"],
  },
  "an executor, then the tool": {
    strike: async (run, id) => kill([...findByMain(id, EXECUTOR_MAIN), run.pid]),
    states: ["lost", "succeeded"],
  },
  "the terminal (SIGHUP)": {
    strike: async (run) => sendSignal(run.pid, "SIGHUP"),
    states: ["stopped", "succeeded"],
  },
  "Ctrl-C once": {
    strike: async (run) => sendSignal(run.pid, "SIGINT"),
    states: ["stopped", "succeeded"],
  },
  "Ctrl-C twice": {
    strike: async (run) => {
      sendSignal(run.pid, "SIGINT");
      await until("the first answer", () => run.process.exitCode !== null || run.stderr().includes("Stopping"));
      sendSignal(run.pid, "SIGINT");
    },
    states: ["lost", "stopped", "succeeded"],
  },
};

test(`${MOMENTS} blows at random moments leave nothing behind`, async (context) => {
  const lifeMs = await timeRun();
  const random = createRandom(SEED);
  const names = Object.keys(BLOWS);
  const found: Record<string, number> = {};
  for (let count = 0; count < MOMENTS; count++) {
    const name = names[count % names.length] ?? "";
    const blow = BLOWS[name];
    assert.ok(blow);
    const run = home.startRun("slow.yaml");
    const { id } = await run.identify();
    // One moment in each part of a run's life, so that they are spread over all of it.
    await delay(((count + random()) / MOMENTS) * lifeMs);
    await blow.strike(run, id);
    await run.ended;
    await assertClean(id);
    const { state } = await readRecord(home, id);
    assert.ok(blow.states.includes(state), `${name}: ${state}\n${run.stderr()}`);
    found[state] = (found[state] ?? 0) + 1;
  }
  context.diagnostic(`a run took ${lifeMs} ms; ended as ${JSON.stringify(found)}`);
  const listed = JSON.parse((await home.bulwark("list", "-o", "json")).stdout).items as { state: string }[];
  assert.ok(listed.every(({ state }) => state !== "running" && state !== "starting"));
  // Blows that all came too late would prove nothing.
  assert.ok((found.succeeded ?? 0) < MOMENTS / 2, JSON.stringify(found));
  const rerun = home.startRun("quick.yaml");
  const end = await rerun.ended;
  assert.equal(end.code, 0, end.stderr);
  await access(join(home.jobs, "outputs/out/_SUCCESS"));
});

/** Milliseconds from the record of a run to its end. */
async function timeRun(): Promise<number> {
  const run = home.startRun("slow.yaml");
  await run.identify();
  const start = performance.now();
  const end = await run.ended;
  assert.equal(end.code, 0, end.stderr);
  return Math.round(performance.now() - start);
}

/** Soon after the end there is no process, no secret, no scratch space and no staged output. */
async function assertClean(id: string): Promise<void> {
  const folder = join(home.runs, id);
  await until(
    `nothing of ${id}`,
    async () => {
      const names = await readdir(folder);
      const outputs = await readdir(join(home.jobs, "outputs")).catch(() => []);
      const left = [
        ...findMarkedProcesses(id),
        ...findGuard(id),
        ...names.filter((name) => name === "secrets" || name === "work"),
        ...outputs.filter((name) => name !== "out"),
      ];
      return left.length === 0;
    },
    CLEAN_WITHIN_MS,
  );
}
