// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Datatype, LAYOUTS, type Tensor, toBytes, toTensor } from "@bulwark/tensors";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** Datatypes by the number that stands for them. The order is part of the form: new ones are added at the end. */
const DATATYPES: readonly Datatype[] = [
  ...(["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"] as const),
  ...(["FP16", "FP32", "FP64", "BYTES"] as const),
];
const MOST_DIMENSIONS = 64;

/** Name, datatype, shape, elements as they lie in memory. */
export function writeTensor(writer: Writer, tensor: Tensor): void {
  writer.text(tensor.name);
  writer.u8(DATATYPES.indexOf(tensor.datatype));
  writer.u8(tensor.shape.length);
  for (const dimension of tensor.shape) writer.whole(dimension);
  if (tensor.datatype !== "BYTES") writer.bytes(toBytes(tensor.data));
  else for (const element of tensor.data) writer.bytes(element);
}

/** Reads one tensor; its elements are a copy. Throws RECORD_MALFORMED unless they are as many as its shape says. */
export function readTensor(reader: Reader): Tensor {
  const name = reader.text();
  const datatype = DATATYPES[reader.u8()];
  const shape = readShape(reader);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (datatype === undefined) throw malformed("has an unknown datatype");
  if (datatype === "BYTES") {
    const data: Buffer[] = [];
    for (let index = 0; index < count; index++) data.push(Buffer.from(reader.bytes()));
    return toTensor(name, datatype, shape, data);
  }
  const bytes = reader.bytes();
  const { bytes: width, over } = LAYOUTS[datatype];
  if (bytes.length !== count * width) throw malformed("does not fit its shape");
  // The elements need a place of their own: bytes inside a record lie at any offset.
  return toTensor(name, datatype, shape, over(new Uint8Array(bytes).buffer, 0, count));
}

function readShape(reader: Reader): number[] {
  const rank = reader.u8();
  if (rank > MOST_DIMENSIONS) throw malformed(`has more than ${MOST_DIMENSIONS} dimensions`);
  return Array.from({ length: rank }, () => reader.whole());
}

const malformed = (what: string): BulwarkError =>
  new BulwarkError("RECORD_MALFORMED", `A tensor of a record ${what}.`, "look who else writes to the stream");
