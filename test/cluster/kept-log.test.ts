// SPDX-License-Identifier: Apache-2.0
// What a job printed and did is still there when its pods, and even its Job, are gone: where a claim keeps event logs.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { killJvm } from "./chart/processes.ts";
import { findRelease, type Pod, type Release } from "./chart/release.ts";
import { makeTool } from "./chart/tool.ts";
import { askPage, openPage } from "./chart/ui-page.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const A_JOB_MS = 480_000;
/** A task that works until somebody puts a file on its claim. */
const PROGRAM = `import os, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
def work(_):
    while not os.path.exists("/data/go"):
        time.sleep(0.1)
spark.sparkContext.parallelize([0], 1).foreach(work)
print("the work is done", flush=True)
`;
/** The last that an executor does for its job. From here on, both ends take the channel away that its words go by. */
const TOLD_TO_STOP = /Driver commanded a shutdown|RECEIVED SIGNAL/;

const cluster = await joinCluster();
let namespace: TestNamespace;
let claim: string;
const tool = await makeTool(cluster);
/** What is told by Spark, and so by the process itself. */
const infoOf = (log: string): string[] => log.split("\n").filter((line) => / INFO /.test(line));

before(async () => {
  namespace = await cluster.makeNamespace("kept-log");
  await cluster.makeVolume(namespace, "logs");
  claim = (await cluster.makeVolume(namespace, "data")).folder;
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

const isExecutor = (pod: Pod, id: string): boolean => pod.metadata.labels["spark-exec-id"] === id;

/** Follows an executor from its start to its end; the last promise is of all that the node got from it. */
async function follow(release: Release, id: string): Promise<{ pod: string; log: Promise<string> }> {
  const find = async (): Promise<Pod | undefined> =>
    (await release.pods("executor")).find((pod) => isExecutor(pod, id) && pod.status.phase === "Running");
  await until(`executor ${id}`, async () => (await find()) !== undefined, A_JOB_MS);
  const pod = (await find())?.metadata.name ?? assert.fail();
  return { pod, log: cluster.kubectl(["logs", "-f", pod, "-n", namespace.name]) };
}

const TIMES = { timeout: 2 * A_JOB_MS };

test("logs and history come from the claim of event logs when the pods are gone", TIMES, async () => {
  const at = ["-n", namespace.name];
  const logsOf = async (...flags: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tool.run("logs", "kept", ...flags, ...at);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  writeFileSync(join(tool.home, "work.py"), PROGRAM);
  const settings = { eventLog: { pvc: "logs" }, pvc: "data", executor: { instances: 1, memory: "512m" } };
  const submitted = await tool.run("submit", "-f", tool.writeJob("kept", { python: "work.py", ...settings }), ...at);
  assert.equal(submitted.code, 0, submitted.stderr);
  const release = findRelease(cluster, namespace, "kept");

  // An executor that is killed has said all but what it said in that very moment.
  const first = await follow(release, "1");
  await until("its task", async () => / Running task 0\.0 /.test(await logsOf("--executor", "1")), A_JOB_MS);
  assert.ok(killJvm(first.pod));
  const second = await follow(release, "2");
  await until("its pod to be gone", async () => !(await release.pods("executor")).some((pod) => isExecutor(pod, "1")));
  const ofFirst = infoOf(await first.log);
  assert.ok(ofFirst.length > 10);
  assert.deepEqual(infoOf(await logsOf("--executor", "1")), ofFirst, "through the driver that runs");

  writeFileSync(join(claim, "go"), "");
  const { exitCode, log: living } = await release.end();
  assert.equal(exitCode, 0, living);
  await until("executors to be gone", async () => (await release.pods("executor")).length === 0);
  const ofSecond = infoOf(await second.log);
  const ended = await logsOf();
  assert.match(ended, /^\[driver\] the work is done$/m);
  for (const line of ofFirst) assert.ok(ended.includes(`[executor-1] ${line}\n`), line);

  await cluster.kubectl(["delete", "job", "kept", ...at, "--wait=true"]);
  await until("its pods to be gone", async () => (await release.pods()).length === 0);
  assert.deepEqual(infoOf(await logsOf("--executor", "1")), ofFirst);
  const keptOfSecond = infoOf(await logsOf("--executor", "2"));
  assert.deepEqual(keptOfSecond, ofSecond.slice(0, keptOfSecond.length));
  const toldToStop = ofSecond.findIndex((line) => TOLD_TO_STOP.test(line));
  assert.ok(toldToStop > 10);
  assert.deepEqual(ofSecond.slice(keptOfSecond.length, toldToStop), []);
  const ofDriver = new Set((await logsOf("--driver")).split("\n"));
  const told = infoOf(living);
  assert.ok(told.length > 50);
  assert.deepEqual(
    told.filter((line) => !ofDriver.has(line)),
    [],
  );
  const parts = new Set((await logsOf()).split("\n").map((line) => /^\[[^\]]+\]/.exec(line)?.[0] ?? line));
  assert.deepEqual([...parts].toSorted(), ["", "[driver]", "[executor-1]", "[executor-2]"]);
  const none = await tool.run("logs", "kept", "--executor", "9", ...at, "-o", "json");
  assert.equal(JSON.parse(none.stdout).error.code, "LOGS_GONE");

  const { target, close } = await openPage(tool.start("ui", "kept", ...at));
  assert.equal(await askPage(new URL("/", target)), 401);
  assert.ok([200, 302].includes(await askPage(target)));
  assert.equal((await close()).code, 0);
  await release.uninstall();
});
