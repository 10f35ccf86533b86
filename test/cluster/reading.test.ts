// SPDX-License-Identifier: Apache-2.0
// What one sees of a job while it runs and afterwards: logs, status, results, the web UI.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { killJvm } from "./chart/processes.ts";
import { findRelease } from "./chart/release.ts";
import { type Ended, makeTool, type Started } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const A_JOB_MS = 480_000;
const STEP_MS = 120_000;

/** Says a number each half second until somebody puts a file on its claim. */
const TICKS = `import os, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(100).write.mode("overwrite").csv("/data/results")
print("results are there", flush=True)
number = 0
while not os.path.exists("/data/enough"):
    number += 1
    print(f"tick {number}.", flush=True)
    time.sleep(0.5)
`;

const cluster = await joinCluster();
const tool = await makeTool(cluster);
const out = join(tool.home, "out");
let namespace: TestNamespace;
let claim: string;

const start = (...args: string[]): Started => tool.start(...args, "-n", namespace.name);
const run = (...args: string[]): Promise<Ended> => start(...args).ended;
const codeOf = ({ stdout }: Ended): string => JSON.parse(stdout).error.code;

before(async () => {
  namespace = await cluster.makeNamespace("reading");
  claim = (await cluster.makeVolume(namespace, "data")).folder;
  mkdirSync(out);
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

test("a job that runs is followed, looked into, and gives its results", { timeout: A_JOB_MS }, async () => {
  writeFileSync(join(tool.home, "ticks.py"), TICKS);
  const executor = { instances: 1, memory: "512m" };
  const file = tool.writeJob("ticks", { python: "ticks.py", pvc: "data", executor, ui: { enabled: true } });
  const submitted = await run("submit", "-f", file);
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  const all = start("logs", "ticks", "-f");
  const driver = start("logs", "ticks", "-f", "--driver");
  const watched = start("status", "ticks", "--watch");
  await until("some ticks", async () => /tick 10\./.test(driver.said.stdout), A_JOB_MS);

  const late = await run("logs", "ticks", "--driver", "--since", "2s");
  assert.equal(late.code, EXIT.done, late.stderr);
  assert.match(late.stdout, /^tick \d+\.$/m);
  assert.doesNotMatch(late.stdout, /results are there|tick 1\./);
  const executors = await run("logs", "ticks", "--executor", "1");
  assert.match(executors.stdout, / INFO /);
  assert.doesNotMatch(executors.stdout, /tick/);
  const unknown = await run("logs", "ticks", "--executor", "7", "-o", "json");
  assert.deepEqual([unknown.code === EXIT.done, codeOf(unknown)], [false, "LOGS_GONE"]);

  // Through the driver: no pod is made for it.
  assert.equal((await run("copy", "ticks", "results", join(out, "results"))).code, EXIT.done);
  assert.ok(readdirSync(join(out, "results")).includes("_SUCCESS"));
  assert.equal((await run("copy", "ticks", "results/_SUCCESS", join(out, "one"))).code, EXIT.done);
  assert.equal(readFileSync(join(out, "one"), "utf8"), "");
  assert.deepEqual(readdirSync(out).toSorted(), ["one", "results"], "nothing half-copied");
  const again = await run("copy", "ticks", "results", join(out, "results"), "-o", "json");
  assert.equal(codeOf(again), "OUTPUT_EXISTS");
  type Pods = { items: { metadata: { name: string } }[] };
  assert.equal((await cluster.get<Pods>(["pods", "-n", namespace.name])).items.length, 2);

  await lookAtUi();

  writeFileSync(join(claim, "enough"), "");
  const [whole, driversOwn, seen] = await Promise.all([all.ended, driver.ended, watched.ended]);
  assert.deepEqual([whole.code, driversOwn.code, seen.code], [EXIT.done, EXIT.done, EXIT.done]);
  assert.match(whole.stdout, /^\[driver\] tick 10\.$/m);
  assert.match(whole.stdout, /^\[executor-1\] .* INFO /m);
  assert.match(driversOwn.stdout, /^tick 10\.$/m);
  const states = seen.stdout.split("\n").flatMap((line) => line.split("  ")[1] ?? []);
  assert.equal(states.at(-1), "succeeded", seen.stdout);
  assert.ok(states.includes("running"), seen.stdout);

  const ended = await run("ui", "ticks", "-o", "json");
  assert.deepEqual([ended.code === EXIT.done, codeOf(ended)], [false, "UI_UNAVAILABLE"]);
  assert.equal((await run("delete", "ticks")).code, EXIT.done);
});

/** The page leads in, nobody comes in without it, and Ctrl-C closes the port. */
async function lookAtUi(): Promise<void> {
  const ui = start("ui", "ticks");
  await until("the page", async () => /^file:\S+$/m.test(ui.said.stdout), STEP_MS);
  const page = fileURLToPath(/^file:\S+$/m.exec(ui.said.stdout)?.[0] ?? "");
  const target = new URL(/url=([^"]+)"/.exec(readFileSync(page, "utf8"))?.[1] ?? "");
  assert.equal(target.hostname, "127.0.0.1");
  assert.equal(await statusOf(new URL("/jobs/", target)), 401);
  assert.ok([200, 302].includes(await statusOf(target)));
  ui.child.kill("SIGINT");
  assert.equal((await ui.ended).code, EXIT.done, ui.said.stderr);
  assert.throws(() => readFileSync(page), { code: "ENOENT" });
  await assert.rejects(
    new Promise((resolve, reject) => {
      connect(Number(target.port), "127.0.0.1", () => resolve(undefined)).once("error", reject);
    }),
    { code: "ECONNREFUSED" },
  );
}

/** The certificate is of the driver, not of this machine's loopback; that it is checked, the tests of the UI show. */
const statusOf = (url: URL): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once("error", reject).end();
  });

test("of a job that was tried again, the attempt before can still be read", { timeout: A_JOB_MS }, async () => {
  const first = `import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("attempt", flush=True)
while not os.path.exists("/data/second"):
    spark.range(10).count()
print("second attempt", flush=True)
`;
  writeFileSync(join(tool.home, "again.py"), first);
  const executor = { instances: 1, memory: "512m" };
  const file = tool.writeJob("again", { python: "again.py", pvc: "data", executor, retries: 1 });
  assert.equal((await run("submit", "-f", file)).code, EXIT.done);
  const release = findRelease(cluster, namespace, "again");
  const driversOf = () => release.pods("driver");
  await until("the program", async () => /attempt/.test((await run("logs", "again", "--driver")).stdout), A_JOB_MS);
  const none = await run("logs", "again", "--previous", "-o", "json");
  assert.equal(codeOf(none), "LOGS_GONE");
  const [killed] = await driversOf();
  assert.ok(killJvm(killed?.metadata.name ?? ""));
  writeFileSync(join(claim, "second"), "");
  const { exitCode, log } = await release.end();
  assert.equal(exitCode, 0, log);
  const previous = await run("logs", "again", "--previous", "--driver");
  assert.equal(previous.code, EXIT.done, previous.stderr);
  assert.match(previous.stdout, /^attempt$/m);
  assert.doesNotMatch(previous.stdout, /second attempt/);
  assert.match((await run("logs", "again", "--driver")).stdout, /^second attempt$/m);
  assert.equal((await run("delete", "again")).code, EXIT.done);
});

test("a schedule makes its runs, and goes with all of them", { timeout: A_JOB_MS }, async () => {
  const executor = { instances: 1, memory: "512m" };
  const file = tool.writeJob("hourly", { schedule: "* * * * *", timeZone: "Europe/Berlin", executor });
  const submitted = await run("submit", "-f", file);
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  type CronJob = { spec: { timeZone: string; concurrencyPolicy: string } };
  const { spec } = await cluster.get<CronJob>(["cronjob", "hourly", "-n", namespace.name]);
  assert.deepEqual([spec.timeZone, spec.concurrencyPolicy], ["Europe/Berlin", "Forbid"]);
  const status = JSON.parse((await run("status", "hourly", "-o", "json")).stdout);
  assert.equal(status.schedule, "* * * * *");
  await until("a run to end well", async () => /^Pi is roughly/m.test((await run("logs", "hourly")).stdout), A_JOB_MS);
  const listed = await run("list", "-o", "json");
  assert.equal(
    JSON.parse(listed.stdout).items.find(({ name }: { name: string }) => name === "hourly")?.schedule,
    "* * * * *",
  );
  assert.equal((await run("delete", "hourly")).code, EXIT.done);
  assert.deepEqual(await findRelease(cluster, namespace, "hourly").left(), []);
});

test("leftovers go, and nothing that somebody owns", { timeout: A_JOB_MS }, async () => {
  for (const name of ["held", "torn"]) {
    const submitted = await run("submit", "-f", tool.writeJob(name, { suspend: true }));
    assert.equal(submitted.code, EXIT.done, submitted.stderr);
  }
  // What somebody leaves who takes Helm's record away: every object, and no release.
  await cluster.kubectl(["delete", "secret", "-n", namespace.name, "-l", "owner=helm,name=torn"]);
  const ofAll = await run("delete", "--leftovers");
  assert.equal(ofAll.code, EXIT.done, ofAll.stderr);
  const [torn, held] = ["torn", "held"].map((name) => findRelease(cluster, namespace, name));
  assert.ok((await torn?.left())?.length, "it may be under way: it is too young to be taken for a leftover");
  const named = await run("delete", "torn", "--leftovers");
  assert.equal(named.code, EXIT.done, named.stderr);
  await until("nothing of it to be left", async () => (await torn?.left())?.length === 0, STEP_MS);
  assert.ok((await held?.left())?.includes("jobs held"));
  assert.equal((await run("delete", "held")).code, EXIT.done);
});
