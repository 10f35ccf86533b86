// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "../../packages/attestation/src/testing/fuzz/run.ts";
import { BulwarkError } from "../../packages/contracts/src/errors/index.ts";
import { demandCode, SERVING_TARGETS } from "./fuzz-targets.ts";

const LIMITS = { inputs: 500, milliseconds: 20_000, seed: 7 };

for (const [name, target] of Object.entries(SERVING_TARGETS)) {
  test(`${name}: whatever the bytes are, nothing but a coded refusal comes of them`, () => {
    const result = fuzz(target, LIMITS);
    assert.deepEqual(result.failures, []);
    assert.ok(result.inputs === LIMITS.inputs && result.outcomes > 1, JSON.stringify(result));
  });
}

test("a crash, and a refusal with a code that no reader has, are noticed", () => {
  const known = () => demandCode(() => assert.fail(new BulwarkError("TENSOR_SHAPE", "", "")), Buffer.alloc(0));
  const unknown = () => demandCode(() => assert.fail(new BulwarkError("MODEL_FAILED", "", "")), Buffer.alloc(0));
  const crash = () => demandCode(() => assert.fail(new RangeError("behind the end")), Buffer.alloc(0));
  assert.throws(known, { name: "BulwarkError", code: "TENSOR_SHAPE" });
  assert.throws(unknown, { name: "Error" });
  assert.throws(crash, { name: "RangeError" });
});
