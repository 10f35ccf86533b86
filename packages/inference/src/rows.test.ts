// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, toTensor } from "@bulwark/tensors";
import fc from "fast-check";
import { joinRows, splitRows } from "./rows.ts";

/** Requests of one model: an input of numbers and one of strings, each with its own rows. */
const requests = fc
  .tuple(fc.nat({ max: 3 }), fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 8 }))
  .map(([width, counts]) => {
    let next = 0;
    return counts.map((rows): Tensor[] => {
      const numbers = Int16Array.from({ length: rows * width }, () => next++);
      const texts = Array.from({ length: rows }, () => new Uint8Array(Buffer.from(String(next++))));
      return [toTensor("n", "INT16", [rows, width], numbers), toTensor("t", "BYTES", [rows, 1], texts)];
    });
  });

test("rows that were joined and split are each request's own", () => {
  fc.assert(
    fc.property(requests, (list) => {
      const rows = list.map(([tensor]) => tensor?.shape[0] ?? 0);
      assert.deepEqual(splitRows(joinRows(list), rows), list);
    }),
  );
});

test("outputs without a row for each row are not split", () => {
  const output = toTensor("y", "FP32", [3, 1], new Float32Array(3));
  assert.equal(splitRows([output], [1, 1]), undefined);
  assert.equal(splitRows([toTensor("y", "FP32", [], new Float32Array(1))], [1]), undefined);
});
