// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLineSorter } from "./job-output.ts";
import { mergeByTime } from "./merge-logs.ts";

test("Spark's lines, with the exceptions that follow them, are told from the program's", () => {
  const sort = createLineSorter();
  const rows: [string, "program" | "spark"][] = [
    ["WARNING: Using incubator modules: jdk.incubator.vector", "spark"],
    ["2026-03-01T12:00:00.123 INFO SparkContext: Running", "spark"],
    ["Pi is roughly 3.14", "program"],
    ["2026-03-01T12:00:00.123 ERROR TaskSetManager: failed", "spark"],
    ["java.lang.ArithmeticException: / by zero", "spark"],
    ["\tat App.main(App.java:3)", "spark"],
    ["Caused by: java.io.IOException: x", "spark"],
    ["\t... 12 more", "spark"],
    ["", "program"],
    ["java.lang.Exception: printed by the program", "program"],
    ["26/03/01 12:00:00 WARN Utils: older pattern", "spark"],
    ["2026-03-01 was a Sunday", "program"],
  ];
  for (const [line, who] of rows) assert.equal(sort(line), who, line);
});

test("lines of several parts come by time, each part's in its own order", async () => {
  async function* lines(part: string, ...times: string[]) {
    for (const time of times) yield { part, time, text: time };
  }
  const merged: string[] = [];
  const sources = [
    lines("driver", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:02Z"),
    lines("executor 1", "2026-03-01T12:00:00.45Z", "2026-03-01T12:00:01.123456789Z"),
    lines("executor 2"),
  ];
  for await (const { part, time } of mergeByTime(sources)) merged.push(`${part} ${time.slice(17)}`);
  assert.deepEqual(merged, ["executor 1 00.45Z", "driver 00.5Z", "executor 1 01.123456789Z", "driver 02Z"]);
});
