// SPDX-License-Identifier: Apache-2.0
// The commands as people type them, on a real node: what they print, what they exit with, and what they leave.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { selectorOf } from "../../packages/kubernetes/src/index.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const A_JOB_MS = 480_000;
/** Everything that a release can own. */
const KINDS =
  "all,configmaps,secrets,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets";

const cluster = await joinCluster();
let namespace: TestNamespace;
const tool = await makeTool(cluster);

const inNamespace = (...args: string[]): Promise<Ended> => tool.run(...args, "-n", namespace.name);

async function countLeft(release: string): Promise<number> {
  type List = { items: unknown[] };
  const { items } = await cluster.get<List>([KINDS, "-n", namespace.name, "-l", selectorOf(release)]);
  return items.length;
}

before(async () => {
  namespace = await cluster.makeNamespace("commands");
  mkdirSync(join(tool.home, "out"));
});

after(async () => {
  tool.stop();
  await namespace.remove();
});

test("a job is submitted, followed to its result, seen by Helm, and deleted without a trace", {
  timeout: A_JOB_MS,
}, async () => {
  const job = tool.writeJob("pi", { args: ["20"], ui: { enabled: true } });
  const submitted = await inNamespace("submit", "-f", job, "--follow", "--timeout", "7m");
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  assert.match(submitted.stdout, /^Pi is roughly 3\.\d+$/m);
  assert.ok(!/ INFO | WARN /.test(submitted.stdout), "Spark's own lines are not the job's output");

  const status = JSON.parse((await inNamespace("status", "pi", "-o", "json")).stdout);
  assert.equal(status.state, "succeeded");
  assert.equal(status.planned.tee, "none");
  assert.equal(status.security.verdict, "as planned", JSON.stringify(status.security));
  assert.ok(status.progress.stages.done >= 1);

  const listed = await inNamespace("list", "-o", "name");
  assert.equal(listed.stdout, "pi\n");
  const helm = await cluster.run(cluster.programs.helm, ["list", "-n", namespace.name, "-q"]);
  assert.equal(helm.trim(), "pi");

  const logs = await inNamespace("logs", "pi", "--driver");
  assert.match(logs.stdout, /Pi is roughly/);
  const events = JSON.parse((await inNamespace("events", "pi", "-o", "json")).stdout);
  assert.ok(events.items.length > 0);
  const described = await inNamespace("describe", "pi");
  assert.match(described.stdout, /Secret +pi-secret/);
  assert.match(described.stdout, /spark-driver/);

  const again = await inNamespace("submit", "-f", job, "-o", "json");
  assert.deepEqual([again.code, JSON.parse(again.stdout).error.code], [EXIT.invalid, "RELEASE_EXISTS"]);

  const deleted = await inNamespace("delete", "pi");
  assert.equal(deleted.code, EXIT.done, deleted.stderr);
  assert.equal(await countLeft("pi"), 0);
  assert.equal((await inNamespace("status", "pi")).code, EXIT.usage);
});

test("plain helm uninstall collects the Secrets that submit made", { timeout: A_JOB_MS }, async () => {
  const job = tool.writeJob("plain", {});
  assert.equal((await inNamespace("submit", "-f", job)).code, EXIT.done);
  type Secret = { metadata: { ownerReferences?: { kind: string }[] } };
  const secret = await cluster.get<Secret>(["secret", "plain-secret", "-n", namespace.name]);
  assert.equal(secret.metadata.ownerReferences?.[0]?.kind, "ConfigMap");
  await cluster.run(cluster.programs.helm, ["uninstall", "plain", "-n", namespace.name]);
  await until("nothing to be left", async () => (await countLeft("plain")) === 0, 60_000);
});

test("a program that throws exits with 5 and the first line of its exception", { timeout: A_JOB_MS }, async () => {
  writeFileSync(
    join(tool.home, "boom.py"),
    "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()\nraise ValueError('no such patient')\n",
  );
  const job = tool.writeJob("boom", { python: "boom.py", executor: { instances: 1, memory: "512m" } });
  const { code, stderr } = await inNamespace("submit", "-f", job, "--wait", "--timeout", "7m");
  assert.equal(code, EXIT.jobFailed, stderr);
  assert.match(stderr, /ValueError: no such patient/);
  assert.equal((await inNamespace("delete", "boom")).code, EXIT.done);
});

test("a job that no node can take says what is missing, and times out", { timeout: A_JOB_MS }, async () => {
  const job = tool.writeJob("big", { driver: { memory: "900g" } });
  const { code, stderr } = await inNamespace("submit", "-f", job, "--wait", "--timeout", "10s");
  assert.equal(code, EXIT.timedOut, stderr);
  assert.match(stderr, /too little memory/);
  assert.equal((await inNamespace("delete", "big")).code, EXIT.done);
  assert.equal(await countLeft("big"), 0);
});

test("a wrong image is told within 30 s", { timeout: A_JOB_MS }, async () => {
  const job = tool.writeJob("image", { image: "registry.invalid/spark:none" });
  const { child, said, ended } = tool.start("submit", "-f", job, "--wait", "-n", namespace.name);
  const startedAt = performance.now();
  await until(
    "the image to be named",
    async () => /registry\.invalid\/spark:none/.test(said.stderr.replace(/^.*submitting.*$/m, "")),
    30_000,
  );
  assert.ok(performance.now() - startedAt < 30_000);
  assert.equal((await ended).code, EXIT.invalid, said.stderr);
  assert.equal(child.exitCode, EXIT.invalid);
  assert.equal((await inNamespace("delete", "image")).code, EXIT.done);
});

test("Ctrl-C while following ends the following, not the job", { timeout: A_JOB_MS }, async () => {
  const job = tool.writeJob("held", { suspend: true });
  const { child, said, ended } = tool.start("submit", "-f", job, "--follow", "-n", namespace.name);
  await until("it to be followed", async () => /suspended/.test(said.stderr), 60_000);
  child.kill("SIGINT");
  assert.equal((await ended).code, EXIT.interrupted, said.stderr);
  assert.match(said.stderr, /bulwark delete held/);
  assert.equal(JSON.parse((await inNamespace("status", "held", "-o", "json")).stdout).state, "held");
  assert.equal((await inNamespace("delete", "held")).code, EXIT.done);
});

test("dry runs show everything but secrets, and make nothing", { timeout: A_JOB_MS }, async () => {
  const job = tool.writeJob("dry", { ui: { enabled: true } });
  const password = readFileSync(join(tool.home, ".local/share/bulwark/keys/current/store-password"), "utf8").trim();
  for (const where of ["client", "server"]) {
    const { code, stdout, stderr } = await inNamespace("submit", "-f", job, `--dry-run=${where}`);
    assert.equal(code, EXIT.done, stderr);
    assert.match(stdout, /kind: Job/);
    assert.match(stdout, /name: dry-secret/);
    assert.match(stdout, /bytes, not shown/);
    for (const secret of [password, Buffer.from(password).toString("base64")]) assert.ok(!stdout.includes(secret));
  }
  assert.equal(await countLeft("dry"), 0);
});

test("results come from the claim, after the driver is gone as well", { timeout: A_JOB_MS }, async () => {
  await cluster.makeVolume(namespace, "data");
  const program = `from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(1000).write.mode("overwrite").csv("/data/results")
`;
  writeFileSync(join(tool.home, "writes.py"), program);
  const job = tool.writeJob("writes", { python: "writes.py", pvc: "data", executor: { instances: 1, memory: "512m" } });
  const { code, stderr } = await inNamespace("submit", "-f", job, "--wait", "--timeout", "7m");
  assert.equal(code, EXIT.done, stderr);
  const copied = await inNamespace("copy", "writes", "results", join(tool.home, "out", "results"));
  assert.equal(copied.code, EXIT.done, copied.stderr);
  assert.ok(readFileSync(join(tool.home, "out", "results", "_SUCCESS")));
  const absent = await inNamespace("copy", "writes", "nothing/here", "-o", "json");
  assert.deepEqual([absent.code, JSON.parse(absent.stdout).error.code], [EXIT.invalid, "DATA_MISSING"]);
  const outside = await inNamespace("copy", "writes", "../etc/passwd");
  assert.equal(outside.code, EXIT.usage);
  assert.equal((await inNamespace("delete", "writes")).code, EXIT.done);
  assert.equal(await countLeft("writes"), 0);
});
