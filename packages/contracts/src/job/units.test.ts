// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDurationMs, parseSizeBytes } from "./units.ts";

test("sizes count in powers of 1024, capitals or not", () => {
  assert.equal(parseSizeBytes("1k"), 1024);
  assert.equal(parseSizeBytes("2G"), 2 * 1024 ** 3);
  assert.equal(parseSizeBytes("16t"), 16 * 1024 ** 4);
});

test("durations are milliseconds", () => {
  assert.equal(parseDurationMs("250ms"), 250);
  assert.equal(parseDurationMs("90s"), 90_000);
  assert.equal(parseDurationMs("2m"), 120_000);
  assert.equal(parseDurationMs("24h"), 86_400_000);
});

for (const text of ["", "2", "g", "-1g", "1.5g", "2 g", "2gb", "0g", "2g\n", "2constructor"]) {
  test(`${JSON.stringify(text)} is no size`, () => {
    assert.throws(() => parseSizeBytes(text), { name: "BulwarkError", code: "JOB_TYPE_WRONG" });
  });
}

for (const text of ["", "90", "s", "-1s", "1.5h", "1d", "1S", "1s\n"]) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    assert.throws(() => parseDurationMs(text), { name: "BulwarkError", code: "JOB_TYPE_WRONG" });
  });
}

test("a longer size is a larger number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom("k", "m", "g", "t"), (amount, unit) => {
      assert.ok(parseSizeBytes(`${amount + 1}${unit}`) > parseSizeBytes(`${amount}${unit}`));
    }),
  );
});
