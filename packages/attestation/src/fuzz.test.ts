// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./testing/fuzz/run.ts";
import { TARGETS, type Target } from "./testing/fuzz/targets.ts";

const LIMITS = { inputs: 5_000, milliseconds: 3_000, seed: 20_260_301 };

for (const [name, target] of Object.entries(TARGETS)) {
  test(`mutated input never crashes, hangs or bloats the parser ${name}`, () => {
    const result = fuzz(target, LIMITS);
    assert.deepEqual(result.failures, []);
    assert.ok(result.inputs > 500, `only ${result.inputs} inputs`);
    assert.ok(result.outcomes > 2, "every input ended in the same way");
  });
}

test("the fuzzer notices a crash, a hang and a bloat", () => {
  const bad = (run: (bytes: Buffer) => void): Target => ({ seeds: () => [Buffer.from("seed")], run });
  const once = { inputs: 1, milliseconds: 10_000, seed: 1 };
  const crash = fuzz(
    bad((bytes) => bytes.readUInt8(bytes.length)),
    once,
  );
  const hang = fuzz(
    bad(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60)),
    once,
  );
  const kept: Buffer[] = [];
  const bloat = fuzz(
    // Far over the limit: whatever the collector frees meanwhile is counted against it.
    bad(() => void kept.push(Buffer.alloc(512 * 1024 * 1024))),
    once,
  );
  for (const { failures } of [crash, hang, bloat]) assert.equal(failures.length, 1);
});
