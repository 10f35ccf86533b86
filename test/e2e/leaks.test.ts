// SPDX-License-Identifier: Apache-2.0
// No secret of a running job can be read where somebody else, or the job's own Python code, may look.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findMarkedProcesses } from "../../cli/src/runs/processes.ts";
import { spellings } from "../../cli/src/runs/security/observe.ts";
import { parseProperties } from "../../packages/spark/src/properties-file.ts";
import { type Home, makeHome, REPOSITORY } from "./harness.ts";

/** Tells what its Python code sees on driver and executor, and waits until a file is there. */
const CURIOUS_JOB = `
import os, sys, time
from pyspark.sql import SparkSession

def look(_):
    yield repr(dict(os.environ))
    yield open("/proc/self/cmdline").read() + open("/proc/self/environ").read()

spark = SparkSession.builder.getOrCreate()
context = spark.sparkContext
seen = [
    dict(os.environ),
    context.getConf().getAll(),
    [tuple(row) for row in spark.sql("SET").collect()],
    [str(entry) for entry in context._jsc.hadoopConfiguration().iterator()],
    context.parallelize(range(2), 2).mapPartitions(look).collect(),
]
with open(sys.argv[2], "w") as file:
    file.write(repr(seen))
print("looked", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
`;

const REST = ["environment", "executors", "allexecutors", "jobs", "stages", "storage/rdd", "sql", "version"];

let home: Home;
before(async () => {
  home = await makeHome("patients");
  await home.write("curious.py", CURIOUS_JOB);
});
after(() => home.remove());

for (const profile of ["aes-gcm", "tls"]) {
  test(`${profile}: no secret in processes, files, logs, UI or the job's Python code`, async (context) => {
    const go = join(home.jobs, `go-${profile}`);
    const seen = join(home.jobs, `seen-${profile}`);
    const job = await home.write(`${profile}.yaml`, describeJob(profile, [go, seen]));
    const run = home.startRun(job);
    const { id, folder } = await run.identify();
    await run.waitForOutput("looked");
    const secrets = await readSecrets(folder);
    const needles = Object.entries(secrets).flatMap(([name, value]) =>
      [...spellings(value), Buffer.from(value, "latin1").toString("hex")].map((spelling) => ({ name, spelling })),
    );
    const find = (text: string): string[] =>
      needles.filter(({ spelling }) => text.includes(spelling)).map(({ name }) => name);
    // The search does find a secret where there is one.
    assert.ok(find(await readFile(join(folder, "secrets/driver.properties"), "utf8")).length > 0);

    assert.deepEqual(find(await readFile(seen, "utf8")), []);
    await rm(seen);
    assert.deepEqual(find(run.stdout() + run.stderr()), []);
    assert.deepEqual(searchProcesses(find), []);
    assert.deepEqual(inspectEnvironments(id, find), []);
    const searched = await searchFiles(
      [home.root, join(REPOSITORY, "examples")],
      find,
      new Set([home.keys, join(folder, "secrets")]),
    );
    assert.deepEqual(searched.leaks, []);
    assert.ok(searched.files > 10);

    const { ui = "" } = await run.waitForEvent("ready");
    const pages = await askPages(ui, { id, token: secrets.token, ca: await readAuthority(home) });
    assert.deepEqual(
      pages.filter(({ guarded }) => !guarded).map(({ path }) => path),
      [],
    );
    assert.deepEqual(
      pages.filter(({ text }) => find(text).length > 0).map(({ path }) => path),
      [],
    );
    assert.ok(
      pages.every(({ status }) => status === 200),
      JSON.stringify(pages.map(({ path, status }) => [path, status])),
    );

    await writeFile(go, "");
    const end = await run.ended;
    assert.equal(end.code, 0, end.stderr);
    const after = await searchFiles([home.root], find, new Set([home.keys]));
    assert.deepEqual(after.leaks, []);
    context.diagnostic(`${needles.length} spellings, ${searched.files} files, ${pages.length} pages`);
  });
}

function describeJob(profile: string, args: string[]): string {
  return JSON.stringify({
    name: "curious",
    python: "curious.py",
    args,
    security: { profile },
    executor: { instances: 1, memory: "512m" },
    data: { out: { path: "out", mode: "write", key: "patients", overwrite: true } },
  });
}

/** Every secret of a run, by name. */
async function readSecrets(folder: string): Promise<{ token: string } & Record<string, string>> {
  const driver = parseProperties(await readFile(join(folder, "secrets/driver.properties"), "utf8"));
  const keyring = JSON.parse(await readFile(join(folder, "secrets/keyring.json"), "utf8"));
  const keys = collectKeys(keyring);
  assert.ok(keys.length > 0, "no master key found in the keyring");
  const secrets = {
    authentication: driver["bulwark.authentication.secret"] ?? "",
    token: driver["bulwark.ui.token"] ?? "",
    storePassword: driver["spark.ssl.ui.keyStorePassword"] ?? "",
    ...Object.fromEntries(keys.map((key, index) => [`master key ${index}`, key])),
  };
  for (const [name, value] of Object.entries(secrets)) assert.ok(value.length >= 16, name);
  return secrets;
}

/** Every version of every master key, in base64 and as raw bytes. */
function collectKeys(keyring: { keys: { versions: { key: string }[] }[] }): string[] {
  const keys = keyring.keys.flatMap(({ versions }) => versions.map(({ key }) => key));
  return [...keys, ...keys.map((key) => Buffer.from(key, "base64").toString("latin1"))];
}

type Find = (text: string) => string[];

function searchProcesses(find: Find): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => find(readText(`/proc/${pid}/cmdline`)).length > 0);
}

/** What is wrong with the environments of a run's processes. */
function inspectEnvironments(id: string, find: Find): string[] {
  const pids = findMarkedProcesses(id);
  assert.ok(pids.length >= 4, `JVMs, Python driver and Python workers: ${pids.length}`);
  return pids.flatMap((pid) => {
    const path = `/proc/${pid}/environ`;
    const { mode, uid } = statSync(path);
    const open = (mode & 0o077) !== 0 || uid !== process.getuid?.();
    return [
      ...(open ? [`${path} can be read by others`] : []),
      ...find(readText(path)).map((name) => `${path}: ${name}`),
    ];
  });
}

async function searchFiles(roots: readonly string[], find: Find, except: ReadonlySet<string>) {
  const found = { files: 0, leaks: [] as string[] };
  const visit = async (path: string): Promise<void> => {
    if (except.has(path)) return;
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) await visit(below);
      else if (entry.isFile() && !except.has(below)) {
        found.files++;
        const names = find(readText(below));
        if (names.length > 0) found.leaks.push(`${below}: ${names.join()}`);
      }
    }
  };
  for (const root of roots) await visit(root);
  return found;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function readAuthority({ keys }: Home): Promise<string> {
  return readFile(join(keys, "current/ca-bundle.crt"), "utf8");
}

/** Pages of the UI and of its REST API: with the token, and whether they are closed without. */
async function askPages(ui: string, { id, token, ca }: { id: string; token: string; ca: string }) {
  const paths = [
    ...REST.map((name) => (name === "version" ? "/api/v1/version" : `/api/v1/applications/${id}/${name}`)),
  ];
  paths.push("/environment/", "/executors/", "/jobs/", "/SQL/");
  return Promise.all(
    paths.map(async (path) => {
      const open = await ask(`${ui}${path}`, ca, { Authorization: `Bearer ${token}` });
      const closed = [await ask(`${ui}${path}`, ca, {}), await ask(`${ui}${path}`, ca, { Authorization: "Bearer x" })];
      return { path, ...open, guarded: closed.every(({ status }) => status === 401) };
    }),
  );
}

function ask(url: string, ca: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { ca, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    }).once("error", reject);
  });
}
