// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { BulwarkError, EXIT } from "@bulwark/contracts";
import { initKeys } from "@bulwark/pki";
import type { Context } from "../command.ts";
import { createTestContext, createTestFolder } from "../testing/context.ts";
import { examine, ok, type Report } from "./doctor/check.ts";
import { checkFolder } from "./doctor/folders.ts";
import { judgeClock, judgeCoreDumps, judgeMemory, judgePtrace, judgeSwap } from "./doctor/machine.ts";
import { checkNode } from "./doctor/programs.ts";
import { spec } from "./doctor.ts";

let context: Context;
let root: string;

beforeEach(() => {
  root = createTestFolder("bulwark-doctor-");
  context = createTestContext({ home: root, env: { PATH: root }, now: () => new Date() });
});

async function report(from: Context) {
  const { value, exitCode } = await spec.execute(from, { args: [], flags: {}, path: [] });
  const { items } = value as { items: Report[] };
  return { exitCode, of: (name: string) => items.find((item) => item.name === name), items };
}

test("everything that is wrong is told at once, each with a mend, and the exit code says so", async () => {
  const { exitCode, of, items } = await report(context);
  assert.equal(exitCode, EXIT.invalid);
  assert.deepEqual([of("keys")?.state, of("python")?.state, of("spark")?.state], ["fail", "fail", "warn"]);
  for (const item of items) assert.equal(item.state === "ok", item.mend === undefined, item.name);
});

test("keys are judged by what they are", async () => {
  await initKeys(context.paths.keys, { now: context.now() });
  assert.equal((await report(context)).of("keys")?.state, "ok");
  const later = new Date(context.now().getTime() + 400 * 86_400_000);
  assert.equal((await report({ ...context, now: () => later })).of("keys")?.state, "fail");
});

test("a folder open to others, or no folder at all, fails; one not made yet does not", async () => {
  const folder = join(root, "folder");
  assert.notEqual((await checkFolder(join(folder, "below"), 0o077)).state, "fail");
  await mkdir(folder, { mode: 0o700 });
  assert.notEqual((await checkFolder(folder, 0o077)).state, "fail");
  await chmod(folder, 0o755);
  assert.equal((await checkFolder(folder, 0o077)).state, "fail");
  assert.notEqual((await checkFolder(folder, 0o022)).state, "fail");
  await writeFile(join(root, "file"), "");
  assert.equal((await checkFolder(join(root, "file"), 0o077)).state, "fail");
});

test("what the machine tells is judged", () => {
  const heading = "Filename Type Size Used Priority";
  const table: [string, { state: string }, string][] = [
    ["no swap", judgeSwap(heading), "ok"],
    ["swap in memory", judgeSwap(`${heading}\n/dev/zram0 partition 1 0 100`), "ok"],
    ["swap on disk", judgeSwap(`${heading}\n/dev/sda2 partition 1 0 -2`), "warn"],
    ["no core dumps", judgeCoreDumps("0", "core"), "ok"],
    ["core dumps", judgeCoreDumps("unlimited", "core"), "warn"],
    ["core dumps piped", judgeCoreDumps("0", "|/usr/lib/systemd/systemd-coredump %P"), "warn"],
    ["ptrace restricted", judgePtrace("1"), "ok"],
    ["ptrace free", judgePtrace("0"), "warn"],
    ["no Yama", judgePtrace(""), "warn"],
    ["much memory", judgeMemory(16e9, 8e9), "ok"],
    ["little memory", judgeMemory(2e9, 1e9), "warn"],
    ["a clock reset", judgeClock(new Date(0)), "fail"],
    ["the Node of the machine", checkNode("20.1.0"), "fail"],
    ["our Node", checkNode("24.21.0"), "ok"],
  ];
  for (const [name, outcome, state] of table) assert.equal(outcome.state, state, name);
});

test("a coded error is a failed check, any other is a bug", async () => {
  const coded = async () => {
    throw new BulwarkError("JAVA_MISSING", "none", "install it");
  };
  const broken = async () => {
    throw new TypeError("ours");
  };
  const checks = [
    { name: "a", look: coded },
    { name: "b", look: async () => ok("fine") },
  ];
  const reports = await examine(checks, context);
  assert.deepEqual(
    reports.map(({ state, mend }) => [state, mend]),
    [
      ["fail", "install it"],
      ["ok", undefined],
    ],
  );
  await assert.rejects(examine([{ name: "c", look: broken }], context), { name: "TypeError" });
});
