// SPDX-License-Identifier: Apache-2.0
import type { Limits } from "../limits.ts";
import { refusal } from "../refuse.ts";
import type { Tensor } from "../tensor.ts";
import { readBehind } from "./binary.ts";
import { parseJson } from "./json.ts";
import { writeJsonData } from "./json-data.ts";
import type { InferResponse, Parameters } from "./messages.ts";
import { isRecord, type ReadData, readInferRequest } from "./request.ts";
import { writeBinaryData } from "./response.ts";

/** What a client asks. */
export type Asked = { inputs: readonly Tensor[]; outputs?: readonly string[]; parameters?: Parameters };

/** The body of a request; `headerLength` where tensors lie behind its JSON. Throws TENSOR_VALUE for bytes that JSON cannot hold. */
export function writeInferRequest(asked: Asked, form: "json" | "binary"): { headerLength?: number; body: Buffer } {
  const parts: Uint8Array[] = [];
  const isBinary = form === "binary";
  const inputs = asked.inputs.map((input) => {
    const { name, datatype, shape } = input;
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(",")}]`;
    if (!isBinary) return `${head},"data":${writeJsonData(input)}}`;
    const bytes = writeBinaryData(input);
    parts.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const parameters = { ...asked.parameters, ...(isBinary ? { binary_data_output: true } : {}) };
  const outputs =
    asked.outputs === undefined ? "" : `,"outputs":${JSON.stringify(asked.outputs.map((name) => ({ name })))}`;
  const header = Buffer.from(`{"inputs":[${inputs.join(",")}],"parameters":${JSON.stringify(parameters)}${outputs}}`);
  return isBinary ? { headerLength: header.length, body: Buffer.concat([header, ...parts]) } : { body: header };
}

/** Reads an answer, binary where `headerLength` is given. Throws what the reader of requests throws. */
export function readInferResponse(body: Buffer, headerLength: number | undefined, limits: Limits): InferResponse {
  const json = parseJson(body.toString("utf8", 0, headerLength));
  if (!isRecord(json)) throw refusal("TENSOR_MALFORMED", "The answer is not a JSON object");
  const read = (readData?: ReadData) => readInferRequest({ inputs: json.outputs }, limits, readData).inputs;
  const outputs = headerLength === undefined ? read() : readBehind(body, headerLength, read);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    model: text(json.model_name),
    version: text(json.model_version),
    id: typeof json.id === "string" ? json.id : undefined,
    outputs,
  };
}
