// SPDX-License-Identifier: Apache-2.0
// A disk that takes no more, wherever it is met, is told as such; nothing half-made stays. Needs the right to mount.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { findMarkedProcesses } from "../../cli/src/runs/processes.ts";
import { type Home, makeHome, type ToolEnd } from "./harness.ts";

/** Ten megabytes of shuffle that no compression makes smaller. */
const SHUFFLING_JOB = `
from pyspark.sql import SparkSession
rows = SparkSession.builder.getOrCreate().range(150000, numPartitions=4).selectExpr("sha2(string(id), 256) AS text")
rows.repartition(4).write.format("noop").mode("overwrite").save()
`;

let home: Home;
let disks: string;
before(async () => {
  home = await makeHome("patients");
  disks = await mkdtemp(join(tmpdir(), "bulwark-full-"));
  await home.write("shuffle.py", SHUFFLING_JOB);
  const rows = Array.from({ length: 60_000 }, (_, id) => `${id},${randomBytes(32).toString("hex")}`);
  await home.write("large.csv", `id,text\n${rows.join("\n")}\n`);
});
after(async () => {
  await home.remove();
  await rm(disks, { recursive: true });
});

/** Runs a test on a file system of a given size, or leaves it out where none can be mounted. */
async function onDisk(context: TestContext, kibibytes: number, use: (disk: string) => Promise<void>): Promise<void> {
  const disk = join(disks, `${kibibytes}k`);
  await mkdir(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", disk]);
  if (mounted.status !== 0) return context.skip("this user may not mount a small file system");
  try {
    await use(disk);
  } finally {
    assert.equal(spawnSync("umount", [disk]).status, 0);
  }
}

function codeOf(end: ToolEnd): string {
  return (JSON.parse(end.stdout) as { error: { code: string } }).error.code;
}

test("an output that does not fit: DISK_FULL, and nothing of it stays", (context) =>
  onDisk(context, 1024, async (disk) => {
    const args = [
      "data",
      "encrypt",
      join(home.jobs, "large.csv"),
      join(disk, "out"),
      "--key",
      "patients",
      "-o",
      "json",
    ];
    const end = await home.bulwark(...args);
    assert.deepEqual([end.code, codeOf(end)], [3, "DISK_FULL"], end.stdout);
    assert.deepEqual(await readdir(disk), []);
  }));

test("scratch that does not fit: DISK_FULL, and no process stays", (context) =>
  onDisk(context, 6144, async (disk) => {
    home.env.BULWARK_RUNS_DIR = disk;
    const end = await home.bulwark("run", "shuffle.py", "--executors", "1", "-o", "json");
    assert.deepEqual([end.code, codeOf(end)], [3, "DISK_FULL"], end.stdout);
    await assertEnded(disk);
  }));

test("a run that cannot even be written down: DISK_FULL, and no secret stays", (context) =>
  onDisk(context, 32, async (disk) => {
    home.env.BULWARK_RUNS_DIR = disk;
    const end = await home.bulwark("run", "shuffle.py", "--executors", "1", "-o", "json");
    assert.deepEqual([end.code, codeOf(end)], [3, "DISK_FULL"], end.stdout);
    await assertEnded(disk);
  }));

async function assertEnded(disk: string): Promise<void> {
  for (const id of await readdir(disk)) {
    assert.deepEqual(findMarkedProcesses(id), []);
    const left = await readdir(join(disk, id));
    assert.ok(!left.includes("secrets") && !left.includes("work"), left.join());
  }
}
