// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Versions } from "../versions.ts";
import { ensureSpark, ensureSparkHome, findSpark, findSparkHome } from "./spark.ts";
import { type FakeIndex, makeArchive, startFakeIndex } from "./testing/fake-index.ts";
import { silentProgress } from "./testing/silent-progress.ts";

const INSTALLER = fileURLToPath(new URL("testing/install-spark.ts", import.meta.url));
const JAR_BYTES = 4_000_000;

let root: string;
let index: FakeIndex;
let pins: Versions;
let content: Buffer;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "bulwark spärk-")));
  ({ content, pins } = makeArchive(root, JAR_BYTES));
  index = await startFakeIndex(content, pins.spark.file);
  await writeFile(join(root, "requirements.txt"), "# nothing\n");
});
afterEach(async () => {
  await index.close();
  await rm(root, { recursive: true });
});

const settings = () => ({
  env: { PATH: process.env.PATH, HOME: root, PIP_INDEX_URL: index.url, PIP_CONFIG_FILE: "/dev/null" },
  cacheDir: join(root, "cache"),
  requirementsFile: join(root, "requirements.txt"),
  patience: { attempts: 2, pauseMs: 1, pauseLimitMs: 5 },
});

const options = () => ({
  ...settings(),
  versions: pins,
  progress: silentProgress,
  signal: new AbortController().signal,
});

const installElsewhere = () => [INSTALLER, JSON.stringify({ ...settings(), spark: pins.spark })];
const run = promisify(execFile);

test("installs Spark and its Python once; then nothing is asked of the network", async () => {
  assert.equal(await findSpark(options()), undefined);
  const runtime = await ensureSpark(options());
  assert.deepEqual([runtime.version, runtime.scalaVersion, runtime.origin], ["4.3.0", "2.13", "installed"]);
  assert.deepEqual(
    runtime.jars.map((jar) => jar.slice(runtime.home.length)),
    ["/jars/a-library.jar", "/jars/spark-core_2.13-4.3.0.jar"],
  );
  const places = [
    "bin/spark-class",
    "python/lib/pyspark.zip",
    "python/pyspark/shell.py",
    "examples/src/main/python/pi.py",
  ];
  for (const place of places) await stat(join(runtime.home, place));
  const { stdout } = await run(runtime.python ?? "", ["-I", "-c", "import pyspark; print(pyspark.origin)"]);
  assert.equal(stdout.trim(), "fake");
  assert.deepEqual(await readdir(join(root, "cache/downloads")), []);
  assert.ok((await readdir(join(root, "cache"))).every((name) => /^(spark|python)-|^downloads$/.test(name)));
  assert.equal((await stat(join(root, "cache"))).mode & 0o777, 0o700);
  await index.close();
  assert.deepEqual(await ensureSpark(options()), runtime);
});

test("two at once: one downloads, both get the same", async () => {
  const runs = await Promise.all([1, 2].map(() => run(process.execPath, installElsewhere())));
  assert.equal(runs[0]?.stdout, runs[1]?.stdout);
  assert.equal(index.requests.length, 1);
});

test("killed in the middle: the next one takes the lock over and fetches only the rest", async () => {
  index.script = [{ kind: "hang", after: 3_000_000 }];
  const child = spawn(process.execPath, installElsewhere(), { stdio: "ignore" });
  const part = join(root, "cache/downloads", `${pins.spark.file}.part`);
  await index.waitForRequest(1);
  while ((await stat(part).catch(() => ({ size: 0 }))).size < 3_000_000) await new Promise(setImmediate);
  child.kill("SIGKILL");
  await once(child, "exit");
  await ensureSparkHome(options());
  assert.deepEqual(
    index.requests.map(({ from }) => from),
    [0, 3_000_000],
  );
  assert.ok((await readdir(join(root, "cache"))).every((name) => !name.startsWith("building-")));
});

test("an interruption leaves the part file and nothing half-made", async () => {
  index.script = [{ kind: "hang", after: 3_000_000 }];
  const stop = new AbortController();
  const installing = ensureSparkHome({ ...options(), signal: stop.signal });
  const outcome = assert.rejects(installing, { code: "INTERRUPTED" });
  await index.waitForRequest(1);
  stop.abort();
  await outcome;
  assert.deepEqual(await readdir(join(root, "cache")), ["downloads"]);
});

test("a damaged installation is made again", async () => {
  const first = await ensureSparkHome(options());
  await truncate(first.jars[1] ?? "", 10);
  assert.equal(await findSparkHome(options()), undefined);
  await ensureSparkHome(options());
  assert.equal((await stat(first.jars[1] ?? "")).size, JAR_BYTES);
});

test("a file placed by hand needs no index", async () => {
  index.script = [];
  await mkdir(join(root, "cache/downloads"), { recursive: true });
  const placed = join(root, "cache/downloads", pins.spark.file);
  await writeFile(placed, content);
  await ensureSparkHome(options());
  assert.deepEqual([index.pages, index.requests.length], [0, 0]);
  assert.deepEqual(await readFile(placed), content);
});

test("each thing that stands in the way has its code", async () => {
  const refused = (changes: object, code: string) =>
    assert.rejects(ensureSparkHome({ ...options(), ...changes }), { code });
  await refused({ env: { ...settings().env, PATH: root } }, "PYTHON_MISSING");
  const spark = { ...pins.spark, installedBytes: Number.MAX_SAFE_INTEGER };
  await refused({ versions: { ...pins, spark } }, "DISK_FULL");
  await writeFile(join(root, "file"), "");
  await refused({ cacheDir: join(root, "file") }, "CACHE_UNWRITABLE");
  await refused({ cacheDir: join(root, "file/cache") }, "CACHE_UNWRITABLE");
  index.script = [{ kind: "wrong" }, { kind: "wrong" }];
  await refused({}, "SPARK_DOWNLOAD_DAMAGED");
  await index.close();
  await refused({}, "SPARK_DOWNLOAD_FAILED");
});

test("SPARK_HOME is taken as it is, and refused when it is no Spark 4", async () => {
  const home = join(root, "own");
  await mkdir(join(home, "jars"), { recursive: true });
  const read = () => findSparkHome({ ...options(), sparkHome: home });
  await assert.rejects(read(), { code: "SPARK_HOME_BROKEN" });
  await writeFile(join(home, "jars/spark-core_2.13-3.5.1.jar"), "");
  await assert.rejects(read(), { code: "SPARK_HOME_BROKEN" });
  await rm(join(home, "jars/spark-core_2.13-3.5.1.jar"));
  await writeFile(join(home, "jars/spark-core_2.13-4.0.1.jar"), "");
  assert.deepEqual((await read())?.origin, "spark-home");
  assert.equal((await read())?.version, "4.0.1");
  const byVariable = await findSparkHome({ ...options(), env: { SPARK_HOME: home } });
  assert.equal(byVariable?.home, home);
});
