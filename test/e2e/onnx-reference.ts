// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs that the Python package `onnx` carries beside its sample models, and how near its own runner wants
// what a back end computes to them. Nothing of the engine's is used: what is compared with it must not come from it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Numbers = Float32Array | Float64Array | BigInt64Array | Uint8Array;
export type Values = Numbers | string[];
export type Sample = { name: string; kind: Kind; dims: number[]; data: Values };

/** A type of elements in the words of ONNX (TensorProto.DataType), ONNX Runtime and the Open Inference Protocol. */
export type Kind = { code: number; type: string; datatype: string; make: (bytes: ArrayBuffer) => Numbers };
const noNumbers = (): never => assert.fail("texts are no numbers");
const KINDS: readonly Kind[] = [
  { code: 1, type: "float32", datatype: "FP32", make: (bytes) => new Float32Array(bytes) },
  { code: 7, type: "int64", datatype: "INT64", make: (bytes) => new BigInt64Array(bytes) },
  { code: 8, type: "string", datatype: "BYTES", make: noNumbers },
  { code: 9, type: "bool", datatype: "BOOL", make: (bytes) => new Uint8Array(bytes) },
  { code: 11, type: "float64", datatype: "FP64", make: (bytes) => new Float64Array(bytes) },
];

export function findKind(names: Partial<Kind>): Kind {
  const found = KINDS.find((kind) =>
    Object.entries(names).every(([name, value]) => kind[name as keyof Kind] === value),
  );
  return found ?? assert.fail(`the samples have no ${JSON.stringify(names)}`);
}

/** What a model is given and must answer; undefined for a model without. */
export function readReference(model: string): { inputs: Sample[]; outputs: Sample[] } | undefined {
  const folder = join(dirname(model), "test_data_set_0");
  const readAll = (side: string): Sample[] => {
    const files = readdirSync(folder).filter((file) => file.startsWith(`${side}_`));
    return files.map((_, at) => readTensor(readFileSync(join(folder, `${side}_${at}.pb`))));
  };
  return existsSync(folder) ? { inputs: readAll("input"), outputs: readAll("output") } : undefined;
}

/** Fields of TensorProto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; the samples use no others. */
const [DIMS, DATA_TYPE, STRING_DATA, NAME, RAW_DATA] = [1, 2, 6, 8, 9];

function readTensor(message: Buffer): Sample {
  const fields = [...readFields(message)];
  const numbers = (wanted: number): number[] =>
    fields.flatMap(({ field, value }) => (field === wanted && typeof value === "number" ? [value] : []));
  const bytes = (wanted: number): Buffer[] =>
    fields.flatMap(({ field, value }) => (field === wanted && typeof value !== "number" ? [value] : []));
  const dims = numbers(DIMS);
  const kind = findKind({ code: numbers(DATA_TYPE)[0] ?? 0 });
  const raw = Uint8Array.from(Buffer.concat(bytes(RAW_DATA)));
  const data = kind.type === "string" ? bytes(STRING_DATA).map(String) : kind.make(raw.buffer);
  const count = dims.reduce((product, size) => product * size, 1);
  assert.equal(data.length, count, "it is read whole");
  return { name: String(bytes(NAME)[0] ?? ""), kind, dims, data };
}

/** Numbers and what has a length, as all fields of the samples are. */
function* readFields(message: Buffer): Generator<{ field: number; value: number | Buffer }> {
  let at = 0;
  const readNumber = (): number => {
    for (let [value, scale] = [0, 1]; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = readNumber();
    const size = readNumber();
    assert.ok(tag % 8 === 0 || tag % 8 === 2, `${tag}`);
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) yield { field, value: size };
    else {
      yield { field, value: message.subarray(at, at + size) };
      at += size;
    }
  }
}

/** What `onnx.backend.test` grants models whose `data.json` names nothing else; none of these has one. */
const [RELATIVE, ABSOLUTE] = [1e-3, 1e-7];

/** As numpy's assert_allclose says it; texts are the same. */
export function assertNear(actual: Values, expected: Values, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (let at = 0; at < expected.length; at++) {
    const [is, wanted] = [actual[at], expected[at]];
    if (typeof wanted === "string" || Object.is(Number(is), Number(wanted))) {
      assert.equal(String(is), String(wanted), `${what}[${at}]`);
      continue;
    }
    const limit = ABSOLUTE + RELATIVE * Math.abs(Number(wanted));
    assert.ok(Math.abs(Number(is) - Number(wanted)) <= limit, `${what}[${at}]: ${is}, not ${wanted}`);
  }
}
