// SPDX-License-Identifier: Apache-2.0
// Who does not know the secret, or shows the wrong certificates, is refused by a driver that takes the right executor.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readEvents } from "../../cli/src/runs/events.ts";
import { initKeys, type Keys } from "../../packages/pki/src/index.ts";
import { type Home, makeHome, STEP_LIMIT_MS, until } from "./harness.ts";
import { type Change, changeExecutor, type Jvm, type ProcessImage, readExecutor, startJvm } from "./intruder.ts";
import { type Alter, flipOneBit, passOn, type Relay, startRelay } from "./relay.ts";

/** Works, waits until a file is there, and works again: so long there is a driver to call at. */
const WAITING_JOB = `
import os, sys, time
from pyspark.sql import SparkSession

context = SparkSession.builder.getOrCreate().sparkContext
print("first", context.parallelize(range(4), 4).sum(), flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
print("second", context.parallelize(range(4), 4).sum(), flush=True)
`;

type Secrets = Record<string, string>;
const SECRET = "bulwark.authentication.secret";

let home: Home;
let otherKeys: Keys;
before(async () => {
  home = await makeHome();
  await home.write("wait.py", WAITING_JOB);
  otherKeys = await initKeys(join(home.root, "other-keys"), { now: new Date() });
});
after(() => home.remove());

function without(secrets: Secrets, ...names: string[]): Secrets {
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !names.includes(name)));
}

const wrongSecret = (right: Secrets): Secrets => ({ ...right, [SECRET]: randomBytes(32).toString("base64url") });
const noSecret = (right: Secrets): Secrets => without(right, SECRET);
const noAuthentication = (right: Secrets): Secrets => ({
  ...without(right, SECRET),
  "spark.authenticate": "false",
  "spark.network.crypto.enabled": "false",
});
const nothing = (): Secrets => ({});
const otherAuthority = (right: Secrets): Secrets => ({
  ...right,
  "spark.ssl.rpc.keyStore": otherKeys.files.executor.keyStore,
  "spark.ssl.rpc.trustStore": otherKeys.files.executor.trustStore,
  "spark.ssl.rpc.keyStorePassword": otherKeys.storePassword,
  "spark.ssl.rpc.keyPassword": otherKeys.storePassword,
  "spark.ssl.rpc.trustStorePassword": otherKeys.storePassword,
});

const CASES = [
  { profile: "aes-gcm", intruders: { wrongSecret, noSecret, noAuthentication, nothing } },
  { profile: "tls", intruders: { wrongSecret, noSecret, noAuthentication, nothing, otherAuthority } },
];

for (const { profile, intruders } of CASES) {
  test(`${profile}: only an executor with the right secrets is taken`, async (context) => {
    const go = join(home.jobs, `go-${profile}`);
    const run = home.startRun("wait.py", "--profile", profile, "--executors", "1", "--", go);
    const { id } = await run.identify();
    await run.waitForOutput("first 6");
    const image = readExecutor(id, await makeScratch(profile));
    const right = startJvm(await changeExecutor(image, { id: 90, secrets: (secrets) => secrets }));
    await run.waitForEvent("executor-added", ({ executor }) => executor === "90");
    await Promise.all(
      Object.entries(intruders).map(async ([name, secrets], index) => {
        const code = await callAndEnd(image, { id: 91 + index, secrets });
        assert.notEqual(code, 0, name);
        context.diagnostic(`${name}: ended with ${code}`);
      }),
    );
    await right.end();
    const { url } = await run.waitForEvent("ready");
    await relayExecutor(image, { id: 88, url, alter: passOn });
    await run.waitForEvent("executor-added", ({ executor }) => executor === "88");
    const seen = await relayExecutor(image, { id: 89, url, alter: flipOneBit });
    // Others of its connections end with the executor, once it has given up.
    assert.ok(seen.ended > 0, JSON.stringify(seen));
    // Before the end of the run, which takes its secrets with it.
    await refusesPlainDriver(image, profile);
    await writeFile(go, "");
    const end = await run.ended;
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /^second 6$/m);
    assert.deepEqual(await listAdded(join(home.runs, id, "events.jsonl")), ["0", "90", "88"]);
  });
}

/** Lets the right executor talk to its driver through a relay; ends it once it was taken, or waits for its end. */
async function relayExecutor(
  image: ProcessImage,
  { id, url, alter }: { id: number; url: string; alter: Alter },
): Promise<Relay["seen"]> {
  const relay = await startRelay(Number(url.split(":").at(-1)), alter);
  const driverUrlFile = join(image.cwd, `driver-${id}.url`);
  await writeFile(driverUrlFile, url.replace(/\d+$/, String(relay.port)));
  try {
    const change: Change = { id, secrets: (secrets) => secrets, driverUrlFile };
    if (alter === flipOneBit) assert.notEqual(await callAndEnd(image, change), 0);
    else await registerAndEnd(image, change);
    return relay.seen;
  } finally {
    relay.close();
  }
}

/** Starts an executor and ends it when its log says that the driver took it. */
async function registerAndEnd(image: ProcessImage, change: Change): Promise<void> {
  const changed = await changeExecutor(image, change);
  const jvm = startJvm(changed);
  try {
    await until(`executor ${change.id}`, async () => {
      assert.equal(jvm.process.exitCode, null, jvm.output());
      const log = await readFile(join(changed.cwd, "log"), "utf8").catch(() => "");
      return log.includes("Successfully registered with driver");
    });
  } finally {
    await jvm.end();
  }
}

/** Other way round: an executor with secrets does not join a driver without protection, which takes a plain one. */
async function refusesPlainDriver(image: ProcessImage, profile: string): Promise<void> {
  const folder = await makeScratch(`plain-driver-${profile}`);
  const events = join(folder, "events.jsonl");
  const driverUrlFile = join(folder, "driver.url");
  const driver = startJvm({ ...image, args: toPlainDriver(image, { folder, events, driverUrlFile }), cwd: folder });
  try {
    await until("the plain driver", async () => {
      assert.equal(driver.process.exitCode, null, driver.output());
      return (await readEvents(events)).some(({ type }) => type === "ready");
    });
    const plain = startJvm(await changeExecutor(image, { id: 81, secrets: nothing, driverUrlFile }));
    await until("the plain executor", async () => (await listAdded(events)).includes("81"));
    const code = await callAndEnd(image, { id: 82, secrets: (secrets) => secrets, driverUrlFile });
    assert.notEqual(code, 0);
    assert.deepEqual(await listAdded(events), ["81"]);
    await plain.end();
  } finally {
    await driver.end();
  }
}

function toPlainDriver(
  image: ProcessImage,
  { folder, events, driverUrlFile }: { folder: string; events: string; driverUrlFile: string },
): string[] {
  const setting = (name: string, value: string): string[] => ["--conf", `${name}=${value}`];
  const main = image.args.indexOf("bulwark.launch.ExecutorMain");
  const classPath = image.args[image.args.indexOf("-cp") + 1] ?? "";
  const jvm = image.args.slice(0, main).filter((arg) => !arg.startsWith("-Dbulwark.") && !arg.startsWith("-XX:Shared"));
  return [
    ...jvm,
    `-Dbulwark.events=${events}`,
    "-Dbulwark.log=/dev/null",
    "org.apache.spark.deploy.SparkSubmit",
    ...["--master", "spark-bulwark://local", "--class", "bulwark.examples.SparkPi"],
    ...setting("spark.driver.host", "127.0.0.1"),
    ...setting("spark.driver.bindAddress", "127.0.0.1"),
    ...setting("spark.ui.enabled", "false"),
    ...setting("spark.local.dir", folder),
    ...setting("spark.bulwark.applicationId", "plain"),
    ...setting("spark.bulwark.driverUrlFile", driverUrlFile),
    // Never written: the driver takes executors and runs no task.
    ...setting("spark.bulwark.releaseFile", join(folder, "released")),
    classPath.split(":")[0] ?? "",
    "1",
  ];
}

/** Starts a changed executor; its exit code. It must end by itself. */
async function callAndEnd(image: ProcessImage, change: Change): Promise<number | null> {
  const jvm: Jvm = startJvm(await changeExecutor(image, change));
  try {
    await until(
      `end of executor ${change.id}`,
      () => jvm.process.exitCode !== null || jvm.process.signalCode !== null,
      STEP_LIMIT_MS,
    );
    return await jvm.ended;
  } finally {
    await jvm.end();
  }
}

async function makeScratch(name: string): Promise<string> {
  const folder = join(home.root, `scratch-${name}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function listAdded(events: string): Promise<string[]> {
  await readFile(events);
  const added = (await readEvents(events)).filter((event) => event.type === "executor-added");
  return added.map(({ executor }) => executor);
}
