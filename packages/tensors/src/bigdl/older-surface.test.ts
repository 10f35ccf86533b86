// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { DEFAULT_LIMITS as limits } from "../limits.ts";
import type { Tensor, TensorInfo } from "../tensor.ts";
import { type Dialect, writePredictions } from "./dialects.ts";
import { fitInputs } from "./fit-inputs.ts";
import { readInstances } from "./instances.ts";
import { formatFloat, parsePostProcessing, postProcess } from "./post-processing.ts";
import { decodeResult } from "./result.ts";

const instances = (...list: unknown[]) => readInstances(Buffer.from(JSON.stringify({ instances: list })), limits);
const floats = (name: string, shape: number[], data: number[]): Tensor => ({
  name,
  datatype: "FP32",
  shape,
  data: new Float32Array(data),
});
const output = floats("y", [1, 3], [0.1306194, 0.5, 0.5]);
const takes = (datatype: TensorInfo["datatype"], ...shape: number[]): TensorInfo[] => [{ name: "x", datatype, shape }];

test("instances: scalars, nested lists, texts, sparse", () => {
  const [first] = instances({
    s: 7,
    n: [
      [1, 2],
      [3, 4],
    ],
    i: "aGk=",
    p: { shape: [3], data: [5], indices: [[1]] },
    w: ["a"],
  });
  assert.deepEqual(first, [
    { kind: "tensor", tensor: floats("s", [1], [7]) },
    { kind: "tensor", tensor: floats("n", [2, 2], [1, 2, 3, 4]) },
    { kind: "text", name: "i", text: "aGk=" },
    { kind: "tensor", tensor: floats("p", [3], [0, 5, 0]) },
    { kind: "tensor", tensor: { name: "w", datatype: "BYTES", shape: [1], data: [Buffer.from("a")] } },
  ]);
});

for (const [code, body] of [
  ["TENSOR_MALFORMED", "no JSON"],
  ["TENSOR_MALFORMED", '{"instances":[]}'],
  ["TENSOR_MALFORMED", "[1]"],
  ["TENSOR_SHAPE", `{"instances":[${"[".repeat(10_000)}${"]".repeat(10_000)}]}`],
  ["TENSOR_TOO_LARGE", JSON.stringify({ instances: Array(1000).fill({ t: 1 }) })],
  ["TENSOR_SHAPE", '{"instances":[{"t":[[1,2],[3]]}]}'],
  ["TENSOR_SHAPE", '{"instances":[{"t":{"shape":[2],"data":[1],"indices":[[9]]}}]}'],
  ["TENSOR_VALUE", '{"instances":[{"t":[1,null]}]}'],
] as const) {
  test(`${code}: ${body.slice(0, 60)}`, () => {
    assert.throws(() => readInstances(Buffer.from(body), limits), { code });
  });
}

test("each dialect is what its release wrote", () => {
  const write = (dialect: Dialect, ...predictions: Parameters<typeof writePredictions>[1]) =>
    JSON.parse(writePredictions(dialect, predictions)).predictions;
  assert.deepEqual(write("a", "[[903,0.1306194]]"), ["{value=[[903,0.1306194]]}"]);
  assert.deepEqual(write("b", "NaN"), ['{"value":"NaN"}']);
  // The client's helper: three times json.loads, the first prediction.
  const [whole] = write("b", [output, output]);
  const text = JSON.parse(whole).value;
  assert.equal(text, '{"data":[0.13061940670013428,0.5,0.5],"shape":[1,3]}'.repeat(2));
  const [quoted] = write("c", [output]);
  assert.deepEqual(decodeResult(Buffer.from(JSON.parse(quoted), "base64"), limits)[0]?.data, output.data);
  assert.deepEqual(write("c", "NaN"), ['"NaN"']);
});

test("topN takes the largest, first of equals first; pickTopN the first rows", () => {
  const top = parsePostProcessing("topN(2)");
  const pick = parsePostProcessing(" pickTopN(1) ");
  assert.ok(top !== undefined && pick !== undefined);
  assert.equal(postProcess(top, [output]), "[[1,0.5],[2,0.5]]");
  assert.equal(postProcess(top, [output], { asWritten: true }), "[[1,0.5][2,0.5]]");
  assert.equal(postProcess(pick, [floats("y", [2, 2], [1, 2, 3, 4])]), "[[1.0,2.0]]");
  assert.throws(() => postProcess(pick, [floats("y", [2], [1, 2])]), { code: "TENSOR_SHAPE" });
  assert.throws(() => parsePostProcessing("topN(0)"), { code: "SERVING_CONFIG" });
  assert.equal(parsePostProcessing(""), undefined);
});

test("floats are written as Java writes them, and read back", () => {
  const written = [0.1306194, 1e-4, 1.5e7, 1, -0, 3.4028235e38, Number.NaN].map((value) =>
    formatFloat(Math.fround(value)),
  );
  assert.deepEqual(written, ["0.1306194", "1.0E-4", "1.5E7", "1.0", "-0.0", "3.4028235E38", "NaN"]);
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) =>
      assert.equal(Math.fround(Number(formatFloat(value))), value),
    ),
  );
});

test("inputs are fitted by position, datatype and rank", async () => {
  const [ids] = await fitInputs([{ kind: "tensor", tensor: floats("t", [2], [3, 4]) }], takes("INT64", -1, 2), {
    limits,
  });
  assert.deepEqual(ids, { name: "x", datatype: "INT64", shape: [1, 2], data: new BigInt64Array([3n, 4n]) });
  const [words] = await fitInputs([{ kind: "text", name: "t", text: "a|b" }], takes("BYTES", -1), { limits });
  assert.deepEqual(words, { name: "x", datatype: "BYTES", shape: [2], data: [Buffer.from("a"), Buffer.from("b")] });
  for (const [code, input, infos] of [
    ["TENSOR_VALUE", floats("t", [1], [0.5]), takes("INT32", 1)],
    ["TENSOR_VALUE", floats("t", [1], [300]), takes("UINT8", 1)],
    ["TENSOR_DATATYPE", floats("t", [1], [1]), takes("BYTES", 1)],
    ["TENSOR_MISSING", floats("t", [1], [1]), [...takes("FP32", 1), ...takes("FP32", 1)]],
    ["TENSOR_UNKNOWN", floats("t", [1], [1]), []],
  ] as const) {
    await assert.rejects(fitInputs([{ kind: "tensor", tensor: input }], infos, { limits }), { code });
  }
});

test("an image is decoded blue first, channels first unless the model has them last", async () => {
  const pixels = Buffer.from([255, 0, 10, 0, 128, 20]);
  const png = await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const text = png.toString("base64");
  const [first] = await fitInputs([{ kind: "text", name: "i", text }], takes("FP32", 1, 3, -1, -1), { limits });
  assert.deepEqual(first, floats("x", [1, 3, 1, 2], [10, 20, 0, 128, 255, 0]));
  const [last] = await fitInputs([{ kind: "text", name: "i", text }], takes("UINT8", -1, -1, -1, 3), { limits });
  assert.deepEqual(last?.data, new Uint8Array([10, 0, 255, 20, 128, 0]));
  const resize = { width: 4, height: 2 };
  const [larger] = await fitInputs([{ kind: "text", name: "i", text }], takes("FP32", 1, 3, -1, -1), {
    limits,
    resize,
  });
  assert.deepEqual(larger?.shape, [1, 3, 2, 4]);
  for (const broken of ["aGVsbG8=", "a", "no base64: é", png.subarray(0, 40).toString("base64")]) {
    await assert.rejects(
      fitInputs([{ kind: "text", name: "i", text: broken }], takes("FP32", 1, 3, -1, -1), { limits }),
      {
        code: "IMAGE_UNREADABLE",
      },
    );
  }
  const small = { ...limits, pixels: 1 };
  await assert.rejects(fitInputs([{ kind: "text", name: "i", text }], takes("FP32", 1, 3, -1, -1), { limits: small }), {
    code: "IMAGE_UNREADABLE",
  });
});
