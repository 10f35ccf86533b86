// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { cp, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findMarkedProcesses } from "../../cli/src/runs/processes.ts";
import { type Home, makeHome, REPOSITORY, type StartedRun, type ToolEnd } from "./harness.ts";

const PI = /^Pi is roughly 3\.1\d+$/m;
const EXAMPLES = join(REPOSITORY, "examples");

let home: Home;
before(async () => {
  home = await makeHome("sales");
});
after(() => home.remove());

test("spark-pi runs in the jar, and its report says that all is as planned", async () => {
  const run = home.startRun(join(EXAMPLES, "spark-pi/job.yaml"), "-o", "json");
  const end = await succeed(run);
  // The document stands alone on stdout.
  assert.match(end.stderr, PI);
  const document = JSON.parse(end.stdout);
  assert.equal(document.state, "succeeded");
  assert.equal(document.profile, "aes-gcm");
  assert.equal(document.security.verdict, "as planned");
  assert.ok(document.security.observations.every((seen: { asPlanned: boolean }) => seen.asPlanned));
  const status = await home.bulwark("status", document.id, "--security", "-o", "json");
  assert.deepEqual(JSON.parse(status.stdout), document.security);
});

test("pi-python runs with the tls profile", async () => {
  const end = await succeed(home.startRun(join(EXAMPLES, "pi-python/job.yaml")));
  assert.match(end.stdout, PI);
});

test("sales writes an encrypted report of few rows", async () => {
  await cp(join(EXAMPLES, "sales"), join(home.jobs, "sales"), { recursive: true });
  const run = home.startRun("sales/job.yaml", "--executor-memory", "1g", "--", "{data.report}", "1000");
  const end = await succeed(run);
  assert.match(end.stdout, /^sales: 1000$/m);
  const { id } = await run.identify();
  const status = await home.bulwark("status", id, "--security", "-o", "json");
  const report = JSON.parse(status.stdout);
  const written = report.observations.find(({ subject }: { subject: string }) => subject.startsWith("data report"));
  assert.equal(written?.asPlanned, true);
  // Staging was renamed to the output: nothing else is left beside it.
  assert.deepEqual(await readdir(join(home.jobs, "sales/data")), ["report"]);
});

test("a Python program runs without a job file, with its arguments", async () => {
  await cp(join(EXAMPLES, "pi-python/pi.py"), join(home.jobs, "pi.py"));
  const end = await succeed(home.startRun("pi.py", "--executors", "1", "--", "3"));
  assert.match(end.stdout, PI);
});

test("a jar runs without a job file, by its class", async () => {
  const jar = join(REPOSITORY, "jvm/target/bulwark.jar");
  const end = await succeed(home.startRun(jar, "--class", "bulwark.examples.SparkPi", "--executors", "1", "--", "3"));
  assert.match(end.stdout, PI);
});

/** Waits for the end of a run that must succeed, and looks at what it leaves behind. */
async function succeed(run: StartedRun): Promise<ToolEnd> {
  const { id, folder } = await run.identify();
  const end = await run.ended;
  assert.equal(end.code, 0, end.stderr);
  assert.deepEqual(findMarkedProcesses(id), []);
  const left = await readdir(folder);
  assert.ok(!left.includes("secrets") && !left.includes("work"), left.join());
  assert.deepEqual(await listLoose(folder), []);
  return end;
}

/** Everything in a folder that others than its owner may use. */
async function listLoose(path: string): Promise<string[]> {
  const stat = await lstat(path);
  const below = stat.isDirectory() ? await readdir(path) : [];
  const loose = await Promise.all(below.map((name) => listLoose(join(path, name))));
  return [...((stat.mode & 0o077) === 0 ? [] : [path]), ...loose.flat()];
}
