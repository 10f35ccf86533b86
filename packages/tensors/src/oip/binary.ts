// SPDX-License-Identifier: Apache-2.0
import { fromBytes, LAYOUTS } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import { demandLength } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { parseJson } from "./json.ts";
import { readJsonData } from "./json-data.ts";
import type { InferRequest } from "./messages.ts";
import { type Described, type ReadData, readInferRequest } from "./request.ts";

/**
 * Reads a body of the binary tensor data extension (triton-inference-server/server, extension_binary_data.md): JSON of
 * `headerLength` bytes, then the data of each input that names a `binary_data_size`, in their order. Numeric data is not
 * copied where it is aligned. Throws what `readInferRequest` throws.
 */
export function readInferBinary(body: Buffer, headerLength: number, limits: Limits): InferRequest {
  if (!Number.isInteger(headerLength) || headerLength < 0 || headerLength > body.length) {
    throw refusal("TENSOR_MALFORMED", "Inference-Header-Content-Length does not fit the length of the body");
  }
  return readBehind(body, headerLength, (read) =>
    readInferRequest(parseJson(body.toString("utf8", 0, headerLength)), limits, read),
  );
}

/** Reads a message whose tensors may lie behind its JSON, in their order, to the last byte. */
export function readBehind<Message>(body: Buffer, from: number, readMessage: (read: ReadData) => Message): Message {
  let at = from;
  const message = readMessage((input) => {
    const size = input.parameters.binary_data_size;
    if (size === undefined) return readJsonData(input, input.data);
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || at + size > body.length) {
      throw refusal("TENSOR_MALFORMED", `The binary_data_size of input ${quote(input.name)} does not fit the body`);
    }
    at += size;
    return readBinaryData(input, body.subarray(at - size, at));
  });
  if (at !== body.length) throw refusal("TENSOR_MALFORMED", `${body.length - at} bytes of the body belong to no input`);
  return message;
}

/**
 * The data of one tensor from its bytes: little endian, row-major; elements of BYTES each behind their length as uint32.
 * Throws TENSOR_SHAPE, TENSOR_VALUE, TENSOR_MALFORMED.
 */
export function readBinaryData(
  { name, datatype, count }: Pick<Described, "name" | "datatype" | "count">,
  bytes: Uint8Array,
): Tensor["data"] {
  if (datatype === "BYTES") return readElements(name, bytes, count);
  const size = LAYOUTS[datatype].bytes;
  if (bytes.length % size !== 0) {
    throw refusal("TENSOR_SHAPE", `${bytes.length} bytes of input ${quote(name)} are no whole number of ${datatype}`);
  }
  demandLength(bytes.length / size, count, name);
  if (datatype === "BOOL" && bytes.some((byte) => byte > 1)) {
    throw refusal("TENSOR_VALUE", `Input ${quote(name)} holds a BOOL that is neither 0 nor 1`);
  }
  return fromBytes(datatype, bytes);
}

/** Bytes of the length before each element of BYTES. */
export const LENGTH_BYTES = 4;

function readElements(name: string, bytes: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + LENGTH_BYTES;
    const end = start > bytes.length ? Number.POSITIVE_INFINITY : start + view.getUint32(at, true);
    if (end > bytes.length)
      throw refusal("TENSOR_MALFORMED", `An element of input ${quote(name)} ends behind its data`);
    elements.push(bytes.subarray(start, end));
    at = end;
  }
  demandLength(elements.length, count, name);
  return elements;
}
