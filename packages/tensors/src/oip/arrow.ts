// SPDX-License-Identifier: Apache-2.0
import { readTensorStream, writeTensorStream } from "../arrow/tensors.ts";
import type { Limits } from "../limits.ts";
import { parseJson } from "./json.ts";
import type { InferRequest, InferResponse } from "./messages.ts";
import { isRecord, readInferRequest } from "./request.ts";

/** Metadata of the schema: what the JSON of a request, or of an answer, has beside its tensors. */
export const REQUEST_KEY = "bulwark:request";
export const RESPONSE_KEY = "bulwark:response";

/**
 * Reads a request whose inputs are the columns of an Arrow stream. `id`, `parameters` and `outputs` may stand as JSON in
 * the schema's metadata. Throws what `readTensorStream` and `readInferRequest` throw.
 */
export function readInferArrow(body: Uint8Array, limits: Limits): InferRequest {
  const { tensors, metadata } = readTensorStream(body, limits);
  const text = metadata.get(REQUEST_KEY);
  const given = text === undefined ? {} : parseJson(text);
  const rest = isRecord(given) ? { ...given, inputs: [] } : given;
  return { ...readInferRequest(text === undefined ? { inputs: [] } : rest, limits), inputs: tensors };
}

/** The answer as an Arrow stream. */
export function writeInferArrow({ model, version, id, outputs }: InferResponse): Buffer {
  const response = { model_name: model, model_version: version, ...(id === undefined ? {} : { id }) };
  return writeTensorStream({ tensors: outputs, metadata: new Map([[RESPONSE_KEY, JSON.stringify(response)]]) });
}
