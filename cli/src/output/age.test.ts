// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge } from "./age.ts";

test("an age is in its largest unit", () => {
  const now = new Date("2026-03-01T12:00:00.000Z");
  const table: readonly [number, string][] = [
    [0, "0s"],
    [999, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_599_999, "59m"],
    [3_600_000, "1h"],
    [86_400_000 - 1, "23h"],
    [40 * 86_400_000, "40d"],
    // The clock was set back meanwhile.
    [-5_000, "0s"],
  ];
  for (const [elapsedMs, age] of table) assert.equal(formatAge(new Date(now.getTime() - elapsedMs), now), age);
});
