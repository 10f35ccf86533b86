// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JobState, JobStatus, PartStatus } from "@bulwark/kubernetes";
import { createTestFolder } from "../testing/context.ts";
import { MERGE, parseKeptLine } from "./kept-log.ts";
import { chooseKept } from "./logs.ts";

const ALL = ["driver", "executor *"];

function makeStatus(state: JobState, { claim, parts }: { claim?: string; parts: Record<string, string> }): JobStatus {
  const all = Object.entries(parts).map(([part, its]) => ({ part, state: its, pod: `pod-${part}` }) as PartStatus);
  const driver = all.find(({ part }) => part === "driver");
  const executors = all.filter(({ part }) => part.startsWith("executor"));
  return { state, planned: { eventLogClaim: claim }, driver, executors } as unknown as JobStatus;
}

test("from the claim come parts whose pods are gone", () => {
  const ended = makeStatus("succeeded", { claim: "logs", parts: { driver: "succeeded" } });
  const running = makeStatus("running", { claim: "logs", parts: { driver: "running", "executor 2": "running" } });
  const before = makeStatus("pending", { claim: "logs", parts: { driver: "failed" } });
  const waiting = makeStatus("pending", { claim: "logs", parts: { driver: "pending" } });
  const gone = makeStatus("pending", { claim: "logs", parts: {} });
  const rows: [string, JobStatus, string[], boolean, string[]][] = [
    ["an ended job", ended, [], false, ["executor *"]],
    ["its driver is there", ended, ["driver"], false, []],
    ["its executor", ended, ["executor 1"], false, ["executor 1"]],
    ["without pods", gone, [], false, ALL],
    ["one of it", gone, ["driver"], false, ["driver"]],
    ["launchers are not kept", gone, ["launcher"], false, []],
    ["a job that runs", running, [], false, []],
    ["its lost executor", running, ["executor 1"], false, ["executor 1"]],
    ["its living executor", running, ["executor 2"], false, []],
    ["the attempt before", before, [], true, ["executor *"]],
    ["before the driver runs", waiting, [], false, []],
    ["no claim", makeStatus("succeeded", { parts: {} }), [], false, []],
  ];
  for (const [what, status, asked, isPrevious, expected] of rows) {
    assert.deepEqual(chooseKept(status, asked, isPrevious), expected, what);
  }
});

test("a kept line has a time, a part and a text; what was cut off has not", () => {
  const time = "2026-03-01T12:00:00.123456789Z";
  assert.deepEqual(parseKeptLine(`${time} executor-12  a word `), { time, part: "executor 12", text: " a word " });
  assert.deepEqual(parseKeptLine(`${time} driver x`), { time, part: "driver", text: "x" });
  for (const cut of ["", time, `${time} driver`, `${time} executor-`, "2026-03-01T12 driver x"]) {
    assert.equal(parseKeptLine(cut), undefined, cut);
  }
});

test("files of many parts are merged by time, those that were asked for alone", () => {
  const folder = createTestFolder();
  const merge = (place: string, names: string): string[] => {
    const { stdout, stderr, status } = spawnSync("sh", ["-c", MERGE, "sh", place, names], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  };
  const second = (at: number): string => `2026-03-01T12:00:00.${String(at).padStart(9, "0")}Z`;
  const executors = Array.from({ length: 250 }, (_none, number) => number + 1);
  for (const number of executors) {
    const at = [second(number), second(number), second(number + 1000)];
    const lines = ["b", "a", "c"].map((text, index) => `${at[index]} executor-${number} ${text}`);
    writeFileSync(join(folder, `pod-1.executor-${number}.log`), lines.join("\n"));
  }
  writeFileSync(join(folder, "pod-2.driver.log"), `${second(500)} driver Grüße\n`);
  const all = merge(folder, "*.driver.log *.executor-*.log");
  assert.equal(all.length, executors.length * 3 + 1);
  const times = all.map((line) => line.split(" ")[0] ?? "");
  assert.deepEqual(times, times.toSorted());
  assert.deepEqual(all.slice(0, 2), [`${second(1)} executor-1 b`, `${second(1)} executor-1 a`]);
  assert.ok(all.includes(`${second(500)} driver Grüße`));
  assert.equal(merge(folder, "pod-1.executor-7.log").length, 3);
  assert.deepEqual(merge(folder, "pod-2.executor-*.log"), []);
  assert.deepEqual(merge(join(folder, "none"), "*.log"), []);
});
