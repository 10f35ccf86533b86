// SPDX-License-Identifier: Apache-2.0
import { toBytes } from "../datatypes.ts";
import type { Tensor } from "../tensor.ts";
import { LENGTH_BYTES } from "./binary.ts";
import { writeJsonData } from "./json-data.ts";
import type { InferResponse } from "./messages.ts";

/** The JSON body of an answer. Throws TENSOR_VALUE for bytes that are no UTF-8. */
export function writeInferJson(response: InferResponse): string {
  return writeJson(response, (output) => `"data":${writeJsonData(output)}`);
}

/** An answer of the binary tensor data extension: the length of its JSON, and the whole body. */
export function writeInferBinary(
  response: InferResponse,
  isBinary: (name: string) => boolean,
): { headerLength: number; body: Buffer } {
  const parts: Uint8Array[] = [];
  const json = writeJson(response, (output) => {
    if (!isBinary(output.name)) return `"data":${writeJsonData(output)}`;
    const bytes = writeBinaryData(output);
    parts.push(bytes);
    return `"parameters":{"binary_data_size":${bytes.length}}`;
  });
  const header = Buffer.from(json, "utf8");
  return { headerLength: header.length, body: Buffer.concat([header, ...parts]) };
}

function writeJson({ model, version, id, outputs }: InferResponse, writeRest: (output: Tensor) => string): string {
  const head = `{"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)}`;
  const written = outputs.map((output) => {
    const { name, shape, datatype } = output;
    return `{"name":${JSON.stringify(name)},"shape":[${shape.join(",")}],"datatype":"${datatype}",${writeRest(output)}}`;
  });
  return `${head}${id === undefined ? "" : `,"id":${JSON.stringify(id)}`},"outputs":[${written.join(",")}]}`;
}

/** The bytes of one tensor, as `readBinaryData` reads them. */
export function writeBinaryData({ datatype, data }: Tensor): Uint8Array {
  if (datatype !== "BYTES") return toBytes(data);
  const out = Buffer.allocUnsafe(data.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  let at = 0;
  for (const element of data) {
    out.writeUInt32LE(element.length, at);
    out.set(element, at + LENGTH_BYTES);
    at += LENGTH_BYTES + element.length;
  }
  return out;
}
