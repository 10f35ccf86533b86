// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { LAYOUTS, type NumericDatatype, toTensor } from "../datatypes.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { readInferArrow, writeInferArrow } from "../oip/arrow.ts";
import type { Tensor } from "../tensor.ts";
import { tensor } from "../testing/arbitrary.ts";
import { type NamedField, writeArrowStream } from "./stream-writer.ts";
import { readTensorStream, SHAPE_KEY, writeTensorStream } from "./tensors.ts";

const NONE = new Map<string, string>();
const read = (bytes: Uint8Array) => readTensorStream(bytes, DEFAULT_LIMITS).tensors;
const write = (...tensors: readonly Tensor[]) => writeTensorStream({ tensors, metadata: NONE });
const sets = fc.uniqueArray(tensor({ isText: false }), { maxLength: 4, selector: ({ name }) => name });
/** Bytes compare as bytes, whoever made them. */
const plain = (tensors: readonly Tensor[]) =>
  tensors.map((each) => (each.datatype === "BYTES" ? { ...each, data: each.data.map((one) => [...one]) } : each));

test("any tensors come back as they went in: every datatype, scalars, no elements, different first dimensions", () => {
  fc.assert(
    fc.property(sets, (tensors) => {
      assert.deepEqual(plain(read(write(...tensors))), plain(tensors));
    }),
    { numRuns: 300 },
  );
});

/** All elements below the lists of a column, as apache-arrow sees them. */
function flatten(value: unknown): unknown[] {
  return value instanceof arrow.Vector ? Array.from(value, flatten).flat() : [value];
}

test("apache-arrow reads what we write", () => {
  fc.assert(
    fc.property(tensor({ isText: true }), (written) => {
      const table = arrow.tableFromIPC(write(written));
      const [rows = 1] = written.shape;
      assert.equal(table.numRows, rows);
      // It divides by the width of a list.
      if (written.data.length === 0) return;
      const elements = flatten(table.getChild(written.name));
      const expected =
        written.datatype === "BYTES"
          ? written.data.map((bytes) => Buffer.from(bytes).toString("utf8"))
          : Array.from(written.data as ArrayLike<number | bigint>);
      assert.deepEqual(
        // apache-arrow gives half floats as numbers, and bits as booleans.
        elements.map((element) => (typeof element === "boolean" ? Number(element) : element)),
        expected,
      );
    }),
  );
});

const ARROW_TYPES: Readonly<Record<NumericDatatype, arrow.DataType>> = {
  BOOL: new arrow.Bool(),
  UINT8: new arrow.Uint8(),
  UINT16: new arrow.Uint16(),
  UINT32: new arrow.Uint32(),
  UINT64: new arrow.Uint64(),
  INT8: new arrow.Int8(),
  INT16: new arrow.Int16(),
  INT32: new arrow.Int32(),
  INT64: new arrow.Int64(),
  FP16: new arrow.Float16(),
  FP32: new arrow.Float32(),
  FP64: new arrow.Float64(),
};

for (const [datatype, type] of Object.entries(ARROW_TYPES) as [NumericDatatype, arrow.DataType][]) {
  test(`${datatype} by apache-arrow is read: a plain column, nested lists, several batches`, () => {
    const is64 = datatype.endsWith("INT64");
    const value = (at: number) => (datatype === "BOOL" ? at % 2 === 1 : is64 ? BigInt(at) : at);
    const pair = new arrow.FixedSizeList(2, new arrow.Field("item", type, false));
    const grid = new arrow.FixedSizeList(1, new arrow.Field("item", pair, false));
    const batch = (from: number) =>
      new arrow.Table({
        flat: arrow.vectorFromArray([value(from), value(from + 1)], type),
        nested: arrow.vectorFromArray([[[value(from), value(1)]], [[value(2), value(from)]]], grid),
      });
    const bytes = arrow.tableToIPC(batch(0).concat(batch(3)), "stream");
    const expected = (name: string, shape: number[], numbers: number[]) => {
      const data = LAYOUTS[datatype].make(numbers.length) as unknown as (number | bigint)[];
      for (const [at, number] of numbers.entries()) {
        data[at] = datatype === "BOOL" ? number % 2 : is64 ? BigInt(number) : number;
      }
      return toTensor(name, datatype, shape, data as unknown as Tensor["data"]);
    };
    assert.deepEqual(read(bytes), [
      expected("flat", [4], [0, 1, 3, 4]),
      expected("nested", [4, 1, 2], [0, 1, 2, 0, 3, 1, 2, 3]),
    ]);
  });
}

test("texts and bytes by apache-arrow are read, with offsets of 32 and 64 bits", () => {
  const table = new arrow.Table({
    words: arrow.vectorFromArray(["é", ""], new arrow.Utf8()),
    long: arrow.vectorFromArray(["a", "bc"], new arrow.LargeUtf8()),
    raw: arrow.vectorFromArray([new Uint8Array([255]), new Uint8Array(0)], new arrow.Binary()),
  });
  const texts = read(arrow.tableToIPC(table, "stream")).map((each) =>
    (each.data as Uint8Array[]).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  assert.deepEqual(texts, [
    [Buffer.from("é").toString("latin1"), ""],
    ["a", "bc"],
    ["\xff", ""],
  ]);
});

test("a stream without a batch has no rows", () => {
  const schema = new arrow.Schema([new arrow.Field("x", new arrow.Float32(), false)]);
  const bytes = arrow.tableToIPC(new arrow.Table(schema), "stream");
  assert.deepEqual(read(bytes), [{ name: "x", datatype: "FP32", shape: [0], data: new Float32Array(0) }]);
});

test("a request brings its id, outputs and parameters in the metadata of the schema", () => {
  const tensors = [toTensor("x", "INT8", [2], new Int8Array([1, -1]))];
  const request = { id: "7", parameters: { timeout: 5 }, outputs: [{ name: "y" }] };
  const metadata = new Map([["bulwark:request", JSON.stringify(request)]]);
  const asked = readInferArrow(writeTensorStream({ tensors, metadata }), DEFAULT_LIMITS);
  assert.deepEqual(
    [asked.id, asked.parameters, asked.outputs],
    ["7", { timeout: 5 }, [{ name: "y", isBinary: false }]],
  );
  assert.deepEqual(asked.inputs, tensors);
  const answer = arrow.tableFromIPC(writeInferArrow({ model: "m", version: "2", id: "7", outputs: tensors }));
  assert.deepEqual(JSON.parse(answer.schema.metadata.get("bulwark:response") ?? ""), {
    model_name: "m",
    model_version: "2",
    id: "7",
  });
});

const good = write(toTensor("x", "FP32", [2, 2], new Float32Array([1, 2, 3, 4])));
/** One column of four FP32 in rows of two, with metadata of its field and faults to be refused. */
const faulty = (metadata: Record<string, string>, { nulls = 0, rows = 2, names = ["x"] } = {}): Buffer => {
  const item: NamedField = { name: "item", type: { kind: "numbers", datatype: "FP32" } };
  const fields = names.map((name) => ({
    name,
    type: { kind: "fixed" as const, width: 2, item },
    metadata: new Map(Object.entries(metadata)),
  }));
  const nodes = names.flatMap(() => [
    { rows, nulls },
    { rows: 4, nulls: 0 },
  ]);
  const buffers = names.flatMap(() => [new Uint8Array(0), new Uint8Array(0), new Uint8Array(16)]);
  return writeArrowStream(fields, [{ rows, nodes, buffers }]);
};
const extension = (metadata: string) => ({
  "ARROW:extension:name": "arrow.fixed_shape_tensor",
  "ARROW:extension:metadata": metadata,
});

for (const [what, code, bytes] of [
  ["nothing", "TENSOR_MALFORMED", Buffer.alloc(0)],
  ["no Arrow at all", "TENSOR_MALFORMED", Buffer.from('{"inputs": []}')],
  ["a stream cut within its batch", "TENSOR_MALFORMED", good.subarray(0, -20)],
  ["the same name twice", "TENSOR_MALFORMED", faulty({}, { names: ["x", "x"] })],
  ["no name", "TENSOR_MALFORMED", faulty({}, { names: [""] })],
  ["nulls", "TENSOR_VALUE", faulty({}, { nulls: 1 })],
  ["fewer items than its lists need", "TENSOR_MALFORMED", faulty({}, { rows: 3 })],
  ["metadata that is no JSON", "TENSOR_MALFORMED", faulty(extension("{"))],
  ["a tensor of another size than its lists", "TENSOR_SHAPE", faulty(extension('{"shape":[3]}'))],
  ["a permutation", "TENSOR_SHAPE", faulty(extension('{"shape":[2,1],"permutation":[1,0]}'))],
  ["a shape that its elements do not fill", "TENSOR_SHAPE", faulty({ [SHAPE_KEY]: "[5]" })],
  ["a negative dimension", "TENSOR_SHAPE", faulty({ [SHAPE_KEY]: "[-4]" })],
  ["a shape that is none", "TENSOR_SHAPE", faulty({ [SHAPE_KEY]: '"4"' })],
  ["a product that overflows", "TENSOR_TOO_LARGE", faulty({ [SHAPE_KEY]: `[${Array(9).fill(2 ** 24)}]` })],
  ["too many rows", "TENSOR_TOO_LARGE", faulty({}, { rows: 2 ** 40 })],
  ["too many dimensions", "TENSOR_TOO_LARGE", faulty({ [SHAPE_KEY]: `[${Array(17).fill(1)}]` })],
  [
    "a dictionary",
    "TENSOR_MALFORMED",
    arrow.tableToIPC(new arrow.Table({ x: arrow.vectorFromArray(["a"]) }), "stream"),
  ],
  [
    "dates",
    "TENSOR_MALFORMED",
    arrow.tableToIPC(new arrow.Table({ x: arrow.vectorFromArray([new Date(0)], new arrow.DateDay()) }), "stream"),
  ],
  [
    "lists of any length",
    "TENSOR_MALFORMED",
    arrow.tableToIPC(
      new arrow.Table({
        x: arrow.vectorFromArray([[1]], new arrow.List(new arrow.Field("item", new arrow.Float32(), false))),
      }),
      "stream",
    ),
  ],
] as const) {
  test(`refused with a code: ${what}`, () => {
    assert.throws(
      () => read(bytes),
      (error) => error instanceof BulwarkError && error.code === code,
    );
  });
}

test("a buffer cannot be claimed by many columns", () => {
  const field = (name: string): NamedField => ({ name, type: { kind: "bits" } });
  const stream = writeArrowStream(
    [field("a"), field("b")],
    [
      {
        rows: 64,
        nodes: [
          { rows: 64, nulls: 0 },
          { rows: 64, nulls: 0 },
        ],
        buffers: [new Uint8Array(0), new Uint8Array(8), new Uint8Array(0), new Uint8Array(8)],
      },
    ],
  );
  assert.equal(read(stream).length, 2);
  // The places of buffers are pairs of offset and length: the second column is pointed to all 16 bytes.
  const place = Buffer.alloc(16);
  place.writeBigInt64LE(8n, 0);
  place.writeBigInt64LE(8n, 8);
  const at = stream.lastIndexOf(place);
  stream.writeBigInt64LE(0n, at);
  stream.writeBigInt64LE(16n, at + 8);
  assert.throws(() => read(stream), { code: "TENSOR_MALFORMED" });
});

test("whatever the bytes are, nothing but one coded error comes of them", () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      readInferArrow(bytes, DEFAULT_LIMITS);
    } catch (error) {
      assert.ok(error instanceof BulwarkError, String((error as Error).stack));
    }
  };
  const edit = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
  fc.assert(
    fc.property(sets, fc.array(edit, { minLength: 1, maxLength: 5 }), fc.nat(), (tensors, edits, cut) => {
      const bytes = write(...tensors);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      attempt(bytes);
      attempt(bytes.subarray(0, cut % bytes.length));
    }),
    { numRuns: 1000 },
  );
});
