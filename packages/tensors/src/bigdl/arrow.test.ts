// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../limits.ts";
import { tensor } from "../testing/arbitrary.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { decodeResult, encodeResult, toSingles } from "./result.ts";

const decode = (bytes: Uint8Array) => decodeRecord(bytes, DEFAULT_LIMITS);
const name = fc.string({ minLength: 1, maxLength: 8 });
const dense = fc.tuple(name, fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })).chain(([given, shape]) => {
  const count = shape.reduce((product, size) => product * size, 1);
  const exactly = { minLength: count, maxLength: count };
  return fc.float32Array(exactly).map((data) => ({ name: given, shape, data }));
});
const uniquely = { minLength: 1, maxLength: 4, selector: ({ name }: { name: string }) => name };

test("records come back as they went in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(dense, uniquely), (inputs) => {
      const expected = inputs.map((input) => ({ kind: "tensor", tensor: { datatype: "FP32", ...input } }));
      assert.deepEqual(decode(encodeRecord(inputs)), expected);
    }),
  );
});

test("apache-arrow reads our records as the older client writes them", () => {
  fc.assert(
    fc.property(dense, (input) => {
      const table = arrow.tableFromIPC(encodeRecord([input]));
      const rows = table.toArray().map((row) => row.toJSON()[input.name].toJSON());
      assert.equal(rows.length, 4);
      const plain = (list: Iterable<number> | null) => (list === null ? null : [...list]);
      assert.deepEqual(
        rows.map((row) => plain(row.indiceData)),
        [[], null, null, null],
      );
      assert.deepEqual(
        rows.map((row) => plain(row.indiceShape)),
        [null, [], null, null],
      );
      assert.deepEqual(
        rows.map((row) => plain(row.data)),
        [null, null, [...input.data], null],
      );
      assert.deepEqual(
        rows.map((row) => plain(row.shape)),
        [null, null, null, input.shape],
      );
    }),
  );
});

const int32List = new arrow.List(new arrow.Field("", new arrow.Int32(), true));
const float32List = new arrow.List(new arrow.Field("", new arrow.Float32(), true));

/** As the older server's own writer has it: another order of the lists, all in one row. */
function writeOneRow(row: object): Uint8Array {
  const type = new arrow.Struct([
    new arrow.Field("shape", int32List, true),
    new arrow.Field("data", float32List, true),
    new arrow.Field("indiceShape", int32List, true),
    new arrow.Field("indiceData", int32List, true),
  ]);
  return arrow.tableToIPC(new arrow.Table({ t: arrow.vectorFromArray([row], type) }), "stream");
}

test("a record by apache-arrow, in one row and another order, is read", () => {
  const bytes = writeOneRow({ shape: [2, 1], data: [1.5, -2], indiceShape: [], indiceData: [] });
  assert.deepEqual(decode(bytes), [
    { kind: "tensor", tensor: { name: "t", datatype: "FP32", shape: [2, 1], data: new Float32Array([1.5, -2]) } },
  ]);
});

test("sparse tensors become dense, whichever way their indices lie", () => {
  const expected = new Float32Array([0, 0, 7, 0, 8, 0]);
  for (const [indices, indicesShape] of [
    [
      [0, 1, 2, 1],
      [2, 2],
    ],
    [
      [0, 1, 1, 2, 1, 0],
      [2, 3],
    ],
    [
      [0, 2, 1, 1, 1, 0],
      [3, 2],
    ],
  ] as const) {
    const values = indices.length === 4 ? [7, 8] : [7, 8, 0];
    const input = {
      name: "t",
      shape: [2, 3],
      data: new Float32Array(values),
      indices: new Int32Array(indices),
      indicesShape,
    };
    const [read] = decode(encodeRecord([input]));
    assert.deepEqual(read?.kind === "tensor" && read.tensor.data, expected, `${indicesShape}`);
  }
  const outside = {
    name: "t",
    shape: [2],
    data: new Float32Array([1]),
    indices: new Int32Array([2]),
    indicesShape: [1, 1],
  };
  assert.throws(() => decode(encodeRecord([outside])), { code: "TENSOR_SHAPE" });
});

test("texts and scalars are read from what apache-arrow writes", () => {
  const table = new arrow.Table({
    text: arrow.vectorFromArray(["a|b"], new arrow.Utf8()),
    int: arrow.vectorFromArray([7], new arrow.Int32()),
    float: arrow.vectorFromArray([0.5], new arrow.Float32()),
  });
  assert.deepEqual(decode(arrow.tableToIPC(table, "stream")), [
    { kind: "text", name: "text", text: "a|b" },
    { kind: "tensor", tensor: { name: "int", datatype: "INT32", shape: [1], data: new Int32Array([7]) } },
    { kind: "tensor", tensor: { name: "float", datatype: "FP32", shape: [1], data: new Float32Array([0.5]) } },
  ]);
  assert.deepEqual(decode(encodeRecord([{ name: "x", text: "café" }])), [{ kind: "text", name: "x", text: "café" }]);
});

test("results are read by apache-arrow as the older server writes them, and come back", () => {
  fc.assert(
    fc.property(
      fc.array(
        tensor({ isText: true }).filter(({ datatype }) => datatype !== "BYTES"),
        { minLength: 1, maxLength: 3 },
      ),
      (outputs) => {
        const bytes = encodeResult(outputs);
        const batches = [...arrow.RecordBatchReader.from(bytes)];
        const expected = outputs.map((output) => ({
          shape: output.shape.slice(0, output.data.length),
          data: toSingles(output),
        }));
        assert.deepEqual(
          batches.map((batch) => ({
            shape: [...(batch.getChild("shape") ?? [])].filter((size) => size !== null),
            data: Float32Array.from(batch.getChild("data") ?? []),
          })),
          expected,
        );
        assert.deepEqual(
          decodeResult(bytes, DEFAULT_LIMITS).map(({ shape, data }) => ({ shape, data })),
          expected,
        );
      },
    ),
  );
});

test("strings cannot go to an older client", () => {
  assert.throws(() => encodeResult([{ name: "s", datatype: "BYTES", shape: [1], data: [Buffer.from("a")] }]), {
    code: "TENSOR_DATATYPE",
  });
});

test("damaged and truncated streams are refused with a code", () => {
  const whole = encodeRecord([{ name: "t", shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) }]);
  const cut = fc.nat({ max: whole.length });
  const flips = fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), { maxLength: 6 });
  fc.assert(
    fc.property(flips, cut, fc.boolean(), (changes, end, isCut) => {
      const bytes = Buffer.from(isCut ? whole.subarray(0, end) : whole);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(error instanceof BulwarkError, String(error));
        assert.match(error.code, /^TENSOR_/);
      }
    }),
    { numRuns: 5000 },
  );
});
