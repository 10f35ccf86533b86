// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { Tensor } from "../tensor.ts";
import { tensor } from "../testing/arbitrary.ts";
import { readInferBinary } from "./binary.ts";
import { readInferJson } from "./json.ts";
import { writeInferBinary, writeInferJson } from "./response.ts";
import { scanFloats } from "./scan-numbers.ts";

const RUNS = { numRuns: 300 };
const read = (json: unknown): Tensor[] => readText(typeof json === "string" ? json : JSON.stringify(json));
const readText = (text: string): Tensor[] => [...readInferJson(Buffer.from(text), DEFAULT_LIMITS).inputs];
const input = (overrides: object): object => ({
  inputs: [{ name: "x", datatype: "FP32", shape: [2], data: [1, 2], ...overrides }],
});
const asRequest = (text: string): string => text.replace('"outputs":', '"inputs":');
const answer = (outputs: Tensor[]) => ({ model: "m", version: "1", id: "7", outputs });

test("every tensor comes back from JSON as it went in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(tensor({ isText: true }), { maxLength: 4, selector: ({ name }) => name }), (tensors) => {
      assert.deepEqual(read(asRequest(writeInferJson(answer(tensors)))), tensors.map(normalize));
    }),
    RUNS,
  );
});

test("every tensor comes back from the binary extension as it went in, mixed with JSON", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(tensor({ isText: true }), { maxLength: 4, selector: ({ name }) => name }),
      fc.func(fc.boolean()),
      (tensors, isBinary) => {
        const { headerLength, body } = writeInferBinary(answer(tensors), isBinary);
        const request = Buffer.from(asRequest(body.toString("latin1")), "latin1");
        const { inputs } = readInferBinary(request, headerLength - 1, DEFAULT_LIMITS);
        assert.deepEqual(inputs.map(normalize), tensors.map(normalize));
      },
    ),
    RUNS,
  );
});

test("scanned numbers are those of JSON.parse, bit for bit", () => {
  const number = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e38, max: 1e38 }),
    fc.integer(),
    fc.maxSafeInteger(),
    // Right beside the middle between two floats, where double rounding would show.
    fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }).map((float) => {
      const next = Math.fround(float * (1 + 2 ** -23));
      return (float + next) / 2;
    }),
  );
  fc.assert(
    fc.property(fc.array(number), fc.constantFrom(",", " , ", ",\n"), (numbers, comma) => {
      const text = numbers.map((value) => JSON.stringify(value)).join(comma);
      const out = new Float32Array(numbers.length);
      const count = scanFloats(Buffer.from(text), 0, Buffer.byteLength(text), out);
      if (numbers.length === 0) return;
      assert.equal(count, numbers.length);
      assert.deepEqual(out, Float32Array.from(JSON.parse(`[${text}]`)));
    }),
    { numRuns: 2000 },
  );
});

test("the scanner takes nothing that JSON would not", () => {
  const characters = fc.constantFrom(..."0123456789+-.eE, \n");
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      let parsed: number[] | undefined;
      try {
        parsed = JSON.parse(`[${text}]`);
      } catch {}
      const out = new Float32Array(16);
      const count = scanFloats(Buffer.from(text), 0, text.length, out);
      if (count !== -1) assert.deepEqual(out.subarray(0, count), Float32Array.from(parsed ?? [Number.NaN, 0]));
    }),
    { numRuns: 5000 },
  );
});

test("64-bit numbers keep every digit", () => {
  const wide =
    '{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[9007199254740993,-9223372036854775808]}]}';
  assert.deepEqual(readText(wide)[0]?.data, new BigInt64Array([9007199254740993n, -(2n ** 63n)]));
  const unsigned = '{"inputs":[{"name":"x","datatype":"UINT64","shape":[1],"data":[18446744073709551615]}]}';
  assert.deepEqual(readText(unsigned)[0]?.data, new BigUint64Array([2n ** 64n - 1n]));
});

test("nested data follows its shape", () => {
  const [nested] = read(
    input({
      shape: [2, 2],
      data: [
        [1, 2],
        [3, 4],
      ],
    }),
  );
  assert.deepEqual(nested?.data, new Float32Array([1, 2, 3, 4]));
  assert.deepEqual(nested?.shape, [2, 2]);
});

test("what hides a list of numbers from its input is read the careful way", () => {
  const twisted = '{"parameters":{"data":[9,9]},"inputs":[{"name":"x","datatype":"FP32","shape":[2],"d\\u0061ta":0}]}';
  assert.throws(() => readText(twisted), { code: "TENSOR_MALFORMED" });
  const beside = '{"parameters":{"data":[9,9]},"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}]}';
  assert.deepEqual(readText(beside)[0]?.data, new Float32Array([1, 2]));
});

const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
for (const [code, body] of [
  ["TENSOR_MALFORMED", "{"],
  ["TENSOR_MALFORMED", deep],
  ["TENSOR_MALFORMED", "[]"],
  ["TENSOR_MALFORMED", '{"inputs":{}}'],
  ["TENSOR_MALFORMED", { inputs: [{}] }],
  ["TENSOR_MALFORMED", input({ data: undefined })],
  ["TENSOR_SHAPE", `{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":${deep}}]}`],
  ["TENSOR_SHAPE", input({ shape: [-1] })],
  ["TENSOR_SHAPE", input({ shape: [1.5] })],
  ["TENSOR_SHAPE", input({ shape: "2" })],
  ["TENSOR_SHAPE", input({ shape: [3] })],
  ["TENSOR_SHAPE", input({ shape: [2, 1], data: [[1], 2] })],
  ["TENSOR_TOO_LARGE", input({ shape: Array(1000).fill(1) })],
  ["TENSOR_TOO_LARGE", input({ shape: [2 ** 31, 2 ** 31, 2 ** 31] })],
  ["TENSOR_TOO_LARGE", input({ shape: [0, 2 ** 53 - 1] })],
  ["TENSOR_DATATYPE", input({ datatype: "FLOAT" })],
  ["TENSOR_DATATYPE", input({ datatype: "constructor" })],
  ["TENSOR_VALUE", input({ data: [1, null] })],
  ["TENSOR_VALUE", input({ data: [1, "2"] })],
  ["TENSOR_VALUE", input({ data: [1, 1e39] })],
  ["TENSOR_VALUE", input({ datatype: "FP16", data: [1, 70_000] })],
  ["TENSOR_VALUE", input({ datatype: "INT8", data: [1, 128] })],
  ["TENSOR_VALUE", input({ datatype: "UINT32", data: [1, -1] })],
  ["TENSOR_VALUE", input({ datatype: "INT32", data: [1, 1.5] })],
  ["TENSOR_VALUE", input({ datatype: "BOOL", data: [true, 2] })],
  ["TENSOR_VALUE", input({ datatype: "BYTES", data: ["a", 2] })],
] as const) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  test(`${code}: ${text.slice(0, 90)}`, () => assert.throws(() => readText(text), { name: "BulwarkError", code }));
}

test("any bytes are read or refused with a code", () => {
  const pieces = fc.constantFrom(
    ...'{}[]:,"\\',
    '"inputs"',
    '"data"',
    '"shape"',
    '"FP32"',
    '"datatype"',
    "1",
    "-1",
    '"name"',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces).map((list) => list.join("")),
        fc.string(),
      ),
      (text) => {
        try {
          readText(text);
        } catch (error) {
          assert.ok(error instanceof BulwarkError);
          assert.match(error.code, /^TENSOR_/);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

function normalize(given: Tensor): Tensor {
  if (given.datatype !== "BYTES") return given;
  return { ...given, data: given.data.map((bytes) => Buffer.from(bytes)) };
}
