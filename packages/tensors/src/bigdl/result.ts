// SPDX-License-Identifier: Apache-2.0
import { type Column, readArrowStream } from "../arrow/stream-reader.ts";
import { type Batch, type NamedField, writeArrowStream } from "../arrow/stream-writer.ts";
import { toBytes } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import type { Tensor, TensorOf } from "../tensor.ts";

const FIELDS: readonly NamedField[] = [
  { name: "data", type: { kind: "numbers", datatype: "FP32" } },
  { name: "shape", type: { kind: "numbers", datatype: "INT32" } },
];
const NONE = new Uint8Array(0);

/**
 * Writes results as the older client reads them: a batch for each output, elements beside dimensions, nulls below the
 * last dimension. Everything becomes single precision, since the format has nothing else: whole numbers above 2^24 lose
 * digits. More dimensions than elements are cut off. Throws TENSOR_DATATYPE for BYTES.
 */
export function encodeResult(outputs: readonly Tensor[]): Buffer {
  return writeArrowStream(FIELDS, outputs.map(toBatch));
}

function toBatch(output: Tensor): Batch {
  const data = toSingles(output);
  const rows = data.length;
  const shape = new Int32Array(rows);
  const dimensions = output.shape.slice(0, rows);
  shape.set(dimensions);
  const validity = new Uint8Array(Math.ceil(rows / 8));
  for (const at of dimensions.keys()) validity[at >> 3] = (validity[at >> 3] ?? 0) | (1 << (at & 7));
  return {
    rows,
    nodes: [
      { rows, nulls: 0 },
      { rows, nulls: rows - dimensions.length },
    ],
    buffers: [NONE, toBytes(data), validity, toBytes(shape)],
  };
}

/** The elements of a tensor as single-precision floats. Throws TENSOR_DATATYPE for BYTES. */
export function toSingles({ name, datatype, data }: Tensor): Float32Array {
  if (datatype === "FP32") return data;
  if (datatype === "BYTES") {
    throw refusal(
      "TENSOR_DATATYPE",
      `Output ${quote(name)} holds strings, which the older format cannot carry`,
      "ask for it by the Open Inference Protocol",
    );
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Reads what `encodeResult` or the older server wrote. Outputs have no names there. Throws TENSOR_MALFORMED. */
export function decodeResult(payload: Uint8Array, limits: Limits): TensorOf<"FP32">[] {
  return readArrowStream(payload, limits).batches.map((columns) => {
    const data = requireNumbers(columns, "data");
    const { values: sizes, validity, rows } = requireNumbers(columns, "shape");
    const isSet = (row: number): boolean =>
      validity.length === 0 || (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
    const length = Array.from({ length: rows }, (_, row) => row).findIndex((row) => !isSet(row));
    const shape = Array.from(sizes, Number).slice(0, length === -1 ? rows : length);
    if (!(data.values instanceof Float32Array)) throw refusal("TENSOR_MALFORMED", "The result is not of floats");
    return { name: "", datatype: "FP32", shape, data: data.values };
  });
}

function requireNumbers(columns: readonly Column[], name: string): Extract<Column, { kind: "numbers" }> {
  const column = columns.find((each) => each.name === name);
  if (column?.kind === "numbers") return column;
  throw refusal("TENSOR_MALFORMED", `The result has no column ${name}`);
}
