// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import { identifyProcess, isSameProcess } from "./processes.ts";
import { findRecord, isEnded, listRecords, type RunRecord, type RunState, saveRecord } from "./record.ts";

const us = identifyProcess(process.pid);
assert.ok(us);
/** A process number that cannot be given to a process again so soon, with a start time that was never. */
const GONE = { pid: process.pid, startTime: "1" };

async function keep(runs: string, id: string, overrides: Partial<RunRecord> = {}): Promise<RunRecord> {
  const record: RunRecord = {
    apiVersion: "bulwark/v1",
    id,
    name: id.replace(/-[^-]*$/, ""),
    state: "running",
    application: "app.py",
    profile: "aes-gcm",
    tee: "none",
    unfinished: [],
    executors: 2,
    startedAt: "2026-03-01T12:00:00.000Z",
    supervisor: us as NonNullable<typeof us>,
    attempts: 1,
    ...overrides,
  };
  mkdirSync(join(runs, id), { recursive: true });
  await saveRecord(runs, record);
  return record;
}

test("a run whose supervisor is gone without an end is lost; an ended one is not", async () => {
  const runs = createTestFolder();
  await keep(runs, "alive-1");
  for (const state of ["starting", "running"] as const) await keep(runs, `${state}-1`, { state, supervisor: GONE });
  for (const state of ["succeeded", "failed", "stopped"] as const) {
    await keep(runs, `${state}-1`, { state, supervisor: GONE });
  }
  const states = Object.fromEntries((await listRecords(runs)).map(({ id, state }) => [id, state]));
  assert.deepEqual(states, {
    "alive-1": "running",
    "starting-1": "lost",
    "running-1": "lost",
    "succeeded-1": "succeeded",
    "failed-1": "failed",
    "stopped-1": "stopped",
  });
});

test("a supervisor that is killed leaves a lost run", async () => {
  const runs = createTestFolder();
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const supervisor = identifyProcess(child.pid ?? 0);
  assert.ok(supervisor && isSameProcess(supervisor));
  await keep(runs, "killed-1", { supervisor });
  assert.equal((await findRecord(runs, "killed-1")).state, "running");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal((await findRecord(runs, "killed-1")).state, "lost");
});

test("runs are listed the newest first, and found by id before name", async () => {
  const runs = createTestFolder();
  await keep(runs, "etl-aaa", { startedAt: "2026-03-01T12:00:00.000Z" });
  await keep(runs, "etl-bbb", { startedAt: "2026-03-02T12:00:00.000Z" });
  await keep(runs, "other-1", { startedAt: "2026-03-01T13:00:00.000Z", name: "etl-aaa" });
  assert.deepEqual(
    (await listRecords(runs)).map(({ id }) => id),
    ["etl-bbb", "other-1", "etl-aaa"],
  );
  assert.equal((await findRecord(runs, undefined)).id, "etl-bbb");
  assert.equal((await findRecord(runs, "etl")).id, "etl-bbb");
  assert.equal((await findRecord(runs, "etl-aaa")).id, "etl-aaa");
});

test("a run that is not there is said to be unknown", async () => {
  const runs = join(createTestFolder(), "runs");
  await assert.rejects(findRecord(runs, undefined), { code: "RUN_UNKNOWN" });
  await keep(runs, "a-1");
  await assert.rejects(findRecord(runs, "../a-1"), { code: "RUN_UNKNOWN" });
});

test("folders without a whole record are no runs", async () => {
  const runs = createTestFolder();
  mkdirSync(join(runs, "empty"));
  mkdirSync(join(runs, "half"));
  writeFileSync(join(runs, "half", "run.json"), '{"id":"half"');
  writeFileSync(join(runs, "file"), "");
  assert.deepEqual(await listRecords(runs), []);
});

test("a record is written whole and for its owner alone", async () => {
  const runs = createTestFolder();
  const record = await keep(runs, "a-1");
  await saveRecord(runs, { ...record, state: "failed" });
  assert.deepEqual(readdirSync(join(runs, "a-1")), ["run.json"]);
  assert.equal(statSync(join(runs, "a-1", "run.json")).mode & 0o777, 0o600);
  assert.equal((await findRecord(runs, "a-1")).state, "failed");
});

test("every state is ended or not", () => {
  const ended: Record<RunState, boolean> = {
    starting: false,
    running: false,
    succeeded: true,
    failed: true,
    stopped: true,
    lost: true,
  };
  for (const [state, expected] of Object.entries(ended)) {
    assert.equal(isEnded({ state } as RunRecord), expected, state);
  }
});
