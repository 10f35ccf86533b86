// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Datatype, NumericTensor, Tensor } from "@bulwark/tensors";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

type NumericArray = NumericTensor["data"];
type NumericConstructor = { new (buffer: ArrayBuffer): NumericArray; readonly BYTES_PER_ELEMENT: number };

/** Datatypes with the arrays that hold them. The order is part of the form: new ones are added at the end. */
const NUMERIC: readonly [Datatype, NumericConstructor][] = [
  ["BOOL", Uint8Array],
  ["UINT8", Uint8Array],
  ["UINT16", Uint16Array],
  ["UINT32", Uint32Array],
  ["UINT64", BigUint64Array],
  ["INT8", Int8Array],
  ["INT16", Int16Array],
  ["INT32", Int32Array],
  ["INT64", BigInt64Array],
  ["FP16", Float16Array],
  ["FP32", Float32Array],
  ["FP64", Float64Array],
];
const BYTES = 255;
const MOST_DIMENSIONS = 64;

/** Name, datatype, shape, elements as they lie in memory. */
export function writeTensor(writer: Writer, tensor: Tensor): void {
  writer.text(tensor.name);
  writer.u8(tensor.datatype === "BYTES" ? BYTES : NUMERIC.findIndex(([datatype]) => datatype === tensor.datatype));
  writer.u8(tensor.shape.length);
  for (const dimension of tensor.shape) writer.whole(dimension);
  if (tensor.datatype === "BYTES") {
    for (const element of tensor.data) writer.bytes(element);
  } else {
    const { buffer, byteOffset, byteLength } = tensor.data;
    writer.bytes(new Uint8Array(buffer, byteOffset, byteLength));
  }
}

/** Reads one tensor; its elements are a copy. Throws RECORD_MALFORMED unless they are as many as its shape says. */
export function readTensor(reader: Reader): Tensor {
  const name = reader.text();
  const code = reader.u8();
  const shape = readShape(reader);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (code === BYTES) {
    const data: Buffer[] = [];
    for (let index = 0; index < count; index++) data.push(Buffer.from(reader.bytes()));
    return { name, datatype: "BYTES", shape, data };
  }
  const [datatype, Elements] = NUMERIC[code] ?? [];
  const bytes = reader.bytes();
  if (datatype === undefined || Elements === undefined || bytes.length !== count * Elements.BYTES_PER_ELEMENT) {
    throw new BulwarkError(
      "RECORD_MALFORMED",
      "A tensor is not as its shape says.",
      "look who else writes to the stream",
    );
  }
  // The elements need a place of their own: bytes inside a record lie at any offset.
  const data = new Elements(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
  return { name, datatype, shape, data } as Tensor;
}

function readShape(reader: Reader): number[] {
  const rank = reader.u8();
  if (rank > MOST_DIMENSIONS) {
    throw new BulwarkError("RECORD_MALFORMED", "A tensor has too many dimensions.", `use at most ${MOST_DIMENSIONS}`);
  }
  return Array.from({ length: rank }, () => reader.whole());
}
