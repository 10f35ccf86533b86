// SPDX-License-Identifier: Apache-2.0
import { quote, refusal } from "./refuse.ts";
import type { DataByType, Datatype, Tensor } from "./tensor.ts";

export type NumericDatatype = Exclude<Datatype, "BYTES">;
export type NumericData = DataByType[NumericDatatype];

/** How a datatype lies in memory, little endian as the binary tensor extension and Arrow write it. */
type Layout = {
  bytes: number;
  make(length: number): NumericData;
  over(buffer: ArrayBufferLike, offset: number, length: number): NumericData;
};

const layout = (
  Data: new (...args: [number] | [ArrayBufferLike, number, number]) => NumericData,
  bytes: number,
): Layout => ({
  bytes,
  make: (length) => new Data(length),
  over: (buffer, offset, length) => new Data(buffer, offset, length),
});

export const LAYOUTS: Readonly<Record<NumericDatatype, Layout>> = {
  BOOL: layout(Uint8Array, 1),
  UINT8: layout(Uint8Array, 1),
  UINT16: layout(Uint16Array, 2),
  UINT32: layout(Uint32Array, 4),
  UINT64: layout(BigUint64Array, 8),
  INT8: layout(Int8Array, 1),
  INT16: layout(Int16Array, 2),
  INT32: layout(Int32Array, 4),
  INT64: layout(BigInt64Array, 8),
  FP16: layout(Float16Array, 2),
  FP32: layout(Float32Array, 4),
  FP64: layout(Float64Array, 8),
};

/** The range of each whole-number datatype. */
export const WHOLE_RANGES: Readonly<Partial<Record<Datatype, readonly [bigint, bigint]>>> = {
  UINT8: [0n, 2n ** 8n - 1n],
  UINT16: [0n, 2n ** 16n - 1n],
  UINT32: [0n, 2n ** 32n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
  INT8: [-(2n ** 7n), 2n ** 7n - 1n],
  INT16: [-(2n ** 15n), 2n ** 15n - 1n],
  INT32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** Whether a word names a datatype of the protocol. */
export function isDatatype(word: unknown): word is Datatype {
  return typeof word === "string" && (word === "BYTES" || Object.hasOwn(LAYOUTS, word));
}

/** Reads a datatype. Throws TENSOR_DATATYPE. */
export function parseDatatype(word: unknown, tensor: string): Datatype {
  if (isDatatype(word)) return word;
  throw refusal("TENSOR_DATATYPE", `Tensor ${quote(tensor)} has the datatype ${quote(word)}, which does not exist`);
}

export const isFloating = (datatype: Datatype): datatype is "FP16" | "FP32" | "FP64" => datatype.startsWith("FP");

/** Puts a tensor together; the caller has made `data` with the layout of `datatype`, and counted it. */
export function toTensor(name: string, datatype: Datatype, shape: readonly number[], data: Tensor["data"]): Tensor {
  return { name, datatype, shape, data } as Tensor;
}

/** The bytes of numeric data, as they lie in memory. */
export function toBytes(data: NumericData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Numeric data over bytes: in place where they are aligned for the datatype, otherwise a copy. */
export function fromBytes(datatype: NumericDatatype, bytes: Uint8Array): NumericData {
  const { bytes: size, over } = LAYOUTS[datatype];
  const length = bytes.byteLength / size;
  if (bytes.byteOffset % size === 0) return over(bytes.buffer, bytes.byteOffset, length);
  // A Buffer's own `slice` would not copy.
  return over(new Uint8Array(bytes).buffer, 0, length);
}
