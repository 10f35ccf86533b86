// SPDX-License-Identifier: Apache-2.0
// Runs that end otherwise than well: not protected as planned, failing, too long.
import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findMarkedProcesses } from "../../cli/src/runs/processes.ts";
import { type Home, makeHome, readRecord, type StartedRun, type ToolEnd } from "./harness.ts";

/** A program that takes back a protection, for which no job file would be accepted. Its first task leaves a file. */
const WEAKENING_JOB = `
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.config(sys.argv[2], sys.argv[3]).getOrCreate()
spark.sparkContext.parallelize([sys.argv[1]], 1).foreach(lambda path: open(path, "w").close())
`;

const FAILING_JOB = `
from pyspark.sql import SparkSession

def fail(number):
    raise ValueError(f"no customer {number}")

SparkSession.builder.getOrCreate().sparkContext.parallelize([7], 1).map(fail).collect()
`;

const ENDLESS_JOB = `
import time
time.sleep(600)
`;

let home: Home;
before(async () => {
  home = await makeHome();
  await home.write("weaken.py", WEAKENING_JOB);
  await home.write("fail.py", FAILING_JOB);
  await home.write("endless.py", ENDLESS_JOB);
});
after(() => home.remove());

const WEAKENINGS: readonly { setting: string; value: string; subject: string }[] = [
  { setting: "spark.io.encryption.enabled", value: "false", subject: "settings of the application" },
  { setting: "spark.ui.filters", value: "", subject: "web UI and REST API" },
];

for (const { setting, value, subject } of WEAKENINGS) {
  test(`a program that changes ${setting} is stopped before any task`, async () => {
    const mark = join(home.jobs, `ran-${setting}`);
    const run = home.startRun("weaken.py", "--executors", "1", "-o", "json", "--", mark, setting, value);
    const { id, end } = await finish(run);
    assert.equal(end.code, 6, end.stderr);
    assert.equal(JSON.parse(end.stdout).error.code, "SECURITY_MISMATCH");
    const record = await readRecord(home, id);
    assert.equal(record.state, "failed");
    assert.equal(record.failure?.code, "SECURITY_MISMATCH");
    const types = (await run.events()).map(({ type }) => type);
    assert.ok(types.includes("executor-added") && !types.includes("stage"), types.join());
    await assert.rejects(access(mark), { code: "ENOENT" });
    const report = JSON.parse((await home.bulwark("status", id, "--security", "-o", "json")).stdout);
    assert.equal(report.verdict, "differs");
    const differing = report.observations.filter((seen: { asPlanned: boolean }) => !seen.asPlanned);
    const subjects = differing.map((seen: { subject: string }) => seen.subject);
    assert.ok(subjects.includes(subject), subjects.join());
  });
}

test("a failing job ends with 5, the first line of its exception, stage and executor", async () => {
  const { id, end } = await finish(home.startRun("fail.py", "--executors", "1", "-o", "json"));
  assert.equal(end.code, 5, end.stderr);
  const document = JSON.parse(end.stdout).error;
  assert.equal(document.code, "JOB_FAILED");
  assert.match(document.message, /ValueError: no customer 7/);
  const { state, failure } = await readRecord(home, id);
  assert.equal(state, "failed");
  assert.equal(failure?.stage, 0);
  assert.equal(failure?.executor, "0");
  assert.equal(failure?.message, "ValueError: no customer 7");
  await access(failure?.log ?? "");
});

test("a job that takes too long ends with 124", async () => {
  const { id, end } = await finish(home.startRun("endless.py", "--executors", "1", "--timeout", "5s", "-o", "json"));
  assert.equal(end.code, 124, end.stderr);
  assert.equal(JSON.parse(end.stdout).error.code, "TIMED_OUT");
  assert.equal((await readRecord(home, id)).failure?.code, "TIMED_OUT");
});

async function finish(run: StartedRun): Promise<{ id: string; end: ToolEnd }> {
  const { id } = await run.identify();
  const end = await run.ended;
  assert.deepEqual(findMarkedProcesses(id), []);
  return { id, end };
}
