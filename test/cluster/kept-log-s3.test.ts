// SPDX-License-Identifier: Apache-2.0
// What a job printed and did is still there when its pods, and even its Job, are gone: where a store keeps event logs.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findRelease } from "./chart/release.ts";
import { makeTool } from "./chart/tool.ts";
import { askPage, openPage } from "./chart/ui-page.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";
import { NETWORK } from "./fixture/network.ts";
import { findS3 } from "./ground/s3.ts";

const A_JOB_MS = 480_000;
const PORT = 9000;
const STORE = `http://${NETWORK.gateway}:${PORT}`;

const cluster = await joinCluster();
const tool = await makeTool(cluster);
let namespace: TestNamespace;
const s3 = findS3();
const skip = s3 === undefined ? "no connector: npm run cluster -- prepare-s3" : false;
let server: ChildProcess | undefined;

before(async () => {
  if (s3 === undefined) return;
  namespace = await cluster.makeNamespace("kept-log-s3");
  const { folder } = await cluster.makeVolume(namespace, "connector");
  for (const jar of s3.jars) await copyFile(join(s3.folder, jar), join(folder, jar));
  const [program = "", ...args] = cluster.inNamespace([s3.server, "-H", NETWORK.gateway, "-p", String(PORT)]);
  server = spawn(program, args, { stdio: "ignore" });
  const credentials = "[default]\naws_access_key_id = somebody\naws_secret_access_key = something\n";
  const metadata = { name: "store", namespace: namespace.name };
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { credentials } });
  // Spark wants the folder to be there; in a bucket that is an empty object of its name.
  const make = (path: string) => cluster.run("curl", ["-sf", "-X", "PUT", `${STORE}/${path}`]);
  await until(
    "the store",
    () =>
      make("logs").then(
        () => true,
        () => false,
      ),
    60_000,
  );
  await make("logs/spark/");
});

after(async () => {
  tool.stop();
  if (server !== undefined && server.exitCode === null) {
    const ended = once(server, "exit");
    server.kill();
    await ended;
  }
  await namespace?.remove();
});

/** The same as any job's that has a connector and a way to its store. */
const SETTINGS = {
  eventLog: { dir: "s3a://logs/spark" },
  volumes: {
    connector: { claim: "connector", mountPath: "/mnt/connector" },
    credentials: { secret: "store", mountPath: "/mnt/credentials", roles: ["driver"] },
  },
  driver: { memory: "512m", env: { AWS_SHARED_CREDENTIALS_FILE: "/mnt/credentials/credentials" } },
  network: { allow: { store: { cidr: `${NETWORK.gateway}/32`, ports: [PORT] } } },
  sparkConf: {
    "spark.hadoop.fs.s3a.endpoint": STORE,
    "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
    "spark.hadoop.fs.s3a.path.style.access": true,
    "spark.hadoop.fs.s3a.aws.credentials.provider":
      "software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider",
  },
};

test("logs and history come from the store of event logs when the pods are gone", {
  skip,
  timeout: 2 * A_JOB_MS,
}, async () => {
  const at = ["-n", namespace.name];
  const logsOf = async (...flags: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tool.run("logs", "stored", ...flags, ...at);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const jars = (s3?.jars ?? []).map((jar) => `local:///mnt/connector/${jar}`);
  const job = tool.writeJob("stored", { ...SETTINGS, jars, args: ["20"], executor: { instances: 1, memory: "512m" } });
  const submitted = await tool.run("submit", "-f", job, "--follow", ...at);
  assert.equal(submitted.code, 0, submitted.stderr + submitted.stdout);
  const release = findRelease(cluster, namespace, "stored");
  const { log: living } = await release.end();
  await until("executors to be gone", async () => (await release.pods("executor")).length === 0);
  await cluster.kubectl(["delete", "job", "stored", ...at, "--wait=true"]);
  await until("its pods to be gone", async () => (await release.pods()).length === 0);

  const all = await logsOf();
  assert.match(all, /^\[driver\] Pi is roughly 3\.\d+$/m);
  assert.match(all, /^\[executor-1\] .* Running task 0\.0 in stage 0\.0/m);
  const ofDriver = new Set((await logsOf("--driver")).split("\n"));
  const told = living.split("\n").filter((line) => / INFO /.test(line));
  assert.ok(told.length > 50);
  assert.deepEqual(
    told.filter((line) => !ofDriver.has(line)),
    [],
  );
  assert.ok(!(await logsOf("--executor", "1")).includes("Pi is roughly"));
  const none = await tool.run("logs", "stored", "--executor", "9", ...at, "-o", "json");
  assert.equal(JSON.parse(none.stdout).error.code, "LOGS_GONE");

  const { target, close } = await openPage(tool.start("ui", "stored", ...at));
  assert.ok([200, 302].includes(await askPage(target)));
  assert.equal((await close()).code, 0);
  await release.uninstall();
  assert.deepEqual(await release.pods(), []);
});

test("a job whose image has no connector is told so, and its end is not held up", {
  skip,
  timeout: A_JOB_MS,
}, async () => {
  const { volumes: _volumes, ...settings } = SETTINGS;
  const job = tool.writeJob("poor", { ...settings, executor: { instances: 1, memory: "512m" } });
  const submitted = await tool.run("submit", "-f", job, "--wait", "-n", namespace.name);
  assert.notEqual(submitted.code, 0, "Spark itself refuses an event log that it cannot write");
  await cluster.kubectl(["delete", "job", "poor", "-n", namespace.name, "--wait=true"]);
  const logs = await tool.run("logs", "poor", "-n", namespace.name, "-o", "json");
  assert.equal(JSON.parse(logs.stdout).error.code, "LOGS_GONE");
});
