// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sendSignal } from "../../cli/src/runs/processes.ts";
import { type Home, makeHome, type ToolEnd, until } from "./harness.ts";
import { findDataTool } from "./intruder.ts";

const ROWS = 500;
/** Parquet files of the table that is re-wrapped: enough that a kill falls between two of them. */
const FILES = 150;
/** A word that stands in every row and may stand in no encrypted file. */
const MARKER = `marker${randomBytes(8).toString("hex")}`;
const TABLE = [
  "name,age,diagnosis",
  ...Array.from({ length: ROWS }, (_, row) => `${MARKER}-${row},${row % 90},${row % 2}`),
];

let home: Home;
before(async () => {
  home = await makeHome("patients", "labels");
  await home.write("patients.csv", `${TABLE.join("\n")}\n`);
  const end = await home.bulwark(
    "data",
    "encrypt",
    at("patients.csv"),
    at("table"),
    "--key",
    "patients",
    "--column",
    "diagnosis=labels",
  );
  assert.equal(end.code, 0, end.stderr);
});
after(() => home.remove());

function at(name: string): string {
  return join(home.jobs, name);
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function codeOf(end: ToolEnd): string {
  return (JSON.parse(end.stdout) as { error: { code: string } }).error.code;
}

/** The Parquet file of a copy of the table, to do something to. */
async function copyTable(name: string): Promise<{ folder: string; file: string }> {
  await cp(at("table"), at(name), { recursive: true });
  // Hadoop's own checksums would notice first; without them the encryption must.
  const file = (await listFiles(at(name))).find((path) => path.endsWith(".parquet"));
  assert.ok(file);
  await rm(join(at(name), `.${file.slice(file.lastIndexOf("/") + 1)}.crc`));
  return { folder: at(name), file };
}

const decrypt = (from: string, to: string): Promise<ToolEnd> =>
  home.bulwark("data", "decrypt", from, at(to), "-o", "json");

test("no file of the encrypted table, and none the run left, holds a plaintext marker", async () => {
  const files = [...(await listFiles(at("table"))), ...(await listFiles(home.runs))];
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(!(await readFile(file)).includes(MARKER), file);
});

test("inspect names columns and keys", async () => {
  const end = await home.bulwark("data", "inspect", at("table"), "-o", "json");
  assert.equal(end.code, 0, end.stderr);
  const { columns, rows } = JSON.parse(end.stdout);
  assert.equal(rows, ROWS);
  assert.deepEqual(
    columns.map(({ name, key, version }: Record<string, unknown>) => [name, key, version]),
    [
      ["name", "patients", 1],
      ["age", "patients", 1],
      ["diagnosis", "labels", 1],
    ],
  );
  assert.ok(!end.stdout.includes(MARKER));
});

test("decrypt gives the rows back", async () => {
  const end = await decrypt(at("table"), "plain");
  assert.equal(end.code, 0, end.stderr);
  const parts = (await listFiles(at("plain"))).filter((path) => path.endsWith(".csv"));
  const lines = (await Promise.all(parts.map((path) => readFile(path, "utf8")))).join("").trim().split("\n");
  assert.deepEqual(new Set(lines), new Set(TABLE));
});

test("an output that exists is not touched without --overwrite", async () => {
  await home.write("kept", "mine");
  const end = await decrypt(at("table"), "kept");
  assert.deepEqual([end.code, codeOf(end)], [3, "OUTPUT_EXISTS"]);
  assert.equal(await readFile(at("kept"), "utf8"), "mine");
});

test("a job reads the table by naming its keys, and not without", async () => {
  await home.write(
    "count.py",
    "import sys\nfrom pyspark.sql import SparkSession\ns = SparkSession.builder.getOrCreate()\nprint('rows', s.read.parquet(sys.argv[1]).where('diagnosis = 1').count())\n",
  );
  const job = { name: "count", python: "count.py", args: ["{data.table}"], executor: { instances: 1 } };
  const named = { table: { path: "table", key: "patients", columns: { diagnosis: "labels" } } };
  await home.write("named.yaml", JSON.stringify({ ...job, data: named }));
  const good = await home.startRun(at("named.yaml")).ended;
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /^rows 250$/m);
  await home.write("half.yaml", JSON.stringify({ ...job, data: { table: { path: "table", key: "patients" } } }));
  const bad = await home.startRun(at("half.yaml"), "-o", "json").ended;
  assert.deepEqual([bad.code, codeOf(bad)], [3, "KEY_MISSING"], bad.stdout);
});

test("a changed byte is refused", async () => {
  const { folder, file } = await copyTable("tampered");
  const content = await readFile(file);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 1;
  await writeFile(file, content);
  const end = await decrypt(folder, "from-tampered");
  assert.deepEqual([end.code, codeOf(end)], [6, "DATA_TAMPERED"], end.stdout);
});

test("a truncated file is refused", async () => {
  const { folder, file } = await copyTable("short");
  await truncate(file, (await readFile(file)).length - 100);
  const end = await decrypt(folder, "from-short");
  assert.deepEqual([end.code, codeOf(end)], [6, "DATA_TRUNCATED"], end.stdout);
});

test("keys of the same name from elsewhere are told from missing ones", async () => {
  const stranger = await makeHome("patients", "labels");
  try {
    const wrong = await stranger.bulwark("data", "decrypt", at("table"), join(stranger.jobs, "out"), "-o", "json");
    assert.deepEqual([wrong.code, codeOf(wrong)], [6, "KEY_WRONG"], wrong.stdout);
  } finally {
    await stranger.remove();
  }
});

test("after rotation the data is re-wrapped, and reads as before", async () => {
  const { folder } = await copyTable("rotated");
  assert.equal((await home.bulwark("keys", "rotate", "--data", "patients")).code, 0);
  const rewrapped = await home.bulwark("data", "rewrap", folder, "-o", "json");
  assert.equal(rewrapped.code, 0, rewrapped.stderr);
  const { columns } = JSON.parse((await home.bulwark("data", "inspect", folder, "-o", "json")).stdout);
  const versions = Object.fromEntries(columns.map(({ name, version }: Record<string, unknown>) => [name, version]));
  assert.deepEqual(versions, { name: 2, age: 2, diagnosis: 1 });
  assert.equal((await decrypt(folder, "from-rotated")).code, 0);
});

test("whenever re-wrapping is killed, every file reads as before, and a second call finishes the work", async (context) => {
  const { folder, file } = await copyTable("killed");
  const [material] = await listKeyMaterial(folder);
  assert.ok(material);
  for (let copy = 1; copy < FILES; copy++) {
    for (const path of [file, material]) await cp(path, path.replace("part-00000", `part-${10_000 + copy}`));
  }
  assert.equal((await home.bulwark("keys", "rotate", "--data", "patients", "labels")).code, 0);
  const before = await readAll(await listKeyMaterial(folder));
  const countChanged = async (): Promise<number> => {
    const now = await readAll([...before.keys()]);
    return [...now].filter(([path, content]) => content !== before.get(path)).length;
  };
  const changed: number[] = [];
  for (const least of [1, FILES / 3]) {
    const call = home.start("data", "rewrap", folder);
    await until("re-wrapped files", async () => (await countChanged()) >= least || call.process.exitCode !== null);
    for (const pid of findDataTool(folder)) sendSignal(pid, "SIGKILL");
    await call.ended;
    changed.push(await countChanged());
    // Opens the footer of every file with its key.
    const seen = await home.bulwark("data", "inspect", folder, "-o", "json");
    assert.deepEqual([seen.code, JSON.parse(seen.stdout).rows], [0, ROWS * FILES], seen.stderr);
  }
  // Kills that all came too late would prove nothing.
  assert.ok((changed[0] ?? FILES) < FILES, changed.join());
  const end = await home.bulwark("data", "rewrap", folder, "-o", "json");
  assert.equal(end.code, 0, end.stderr);
  assert.equal(await countChanged(), FILES);
  assert.equal((await decrypt(folder, "from-killed")).code, 0);
  context.diagnostic(`${changed.join(" and ")} of ${FILES} files were done when the kills came`);
});

async function listKeyMaterial(folder: string): Promise<string[]> {
  return (await listFiles(folder)).filter((path) => path.includes("/_KEY_MATERIAL_FOR_"));
}

async function readAll(paths: readonly string[]): Promise<Map<string, string>> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, "utf8")] as const)));
}

test("a bad record is named with its code, and nothing is left of the output", async () => {
  await home.write("bad.csv", 'name,age\nada,36\n"unclosed,1\nbob,x,y,z\n');
  const end = await home.bulwark("data", "encrypt", at("bad.csv"), at("bad"), "--key", "patients", "-o", "json");
  assert.deepEqual([end.code, codeOf(end)], [3, "DATA_MALFORMED"], end.stdout);
  assert.ok(!(await readdir(home.jobs)).some((name) => name === "bad" || name.includes("bulwark-data")));
});
