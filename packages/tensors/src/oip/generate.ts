// SPDX-License-Identifier: Apache-2.0

import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import type { Tensor, TensorInfo } from "../tensor.ts";
import { parseJson } from "./json.ts";
import { writeJsonData } from "./json-data.ts";
import type { InferResponse, Parameters } from "./messages.ts";
import { isRecord, readInferRequest } from "./request.ts";

/** A request of the generate extension. */
export type GenerateRequest = {
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly inputs: readonly Tensor[];
};

/**
 * Reads a request of the generate extension (triton-inference-server/server, extension_generate.md): a field that is called
 * as an input of the model is that input, a value or lists of them; any other is a parameter. Dimensions that a value has
 * fewer than the input are 1, in front. Throws what `readInferRequest` throws.
 */
export function readGenerate(body: Buffer, infos: readonly TensorInfo[], limits: Limits): GenerateRequest {
  const json = parseJson(body.toString("utf8"), true);
  if (!isRecord(json)) throw refusal("TENSOR_MALFORMED", "The request is not a JSON object");
  const inputs = infos.filter(({ name }) => Object.hasOwn(json, name)).map((info) => describe(info, json[info.name]));
  const names = new Set(infos.map(({ name }) => name));
  const { id, parameters, ...rest } = Object.fromEntries(Object.entries(json).filter(([name]) => !names.has(name)));
  const request = readInferRequest({ id, parameters, inputs }, limits);
  return { id: request.id, parameters: { ...readOthers(rest), ...request.parameters }, inputs: request.inputs };
}

function describe({ name, datatype, shape }: TensorInfo, value: unknown): object {
  const sizes: number[] = [];
  for (let part = value; Array.isArray(part); part = part[0]) sizes.push(part.length);
  const missing = Math.max(0, shape.length - sizes.length);
  // Flat data has any shape; a list within lists is one more for each dimension in front.
  let data = sizes.length === 0 ? [value] : value;
  if (sizes.length > 1) for (let depth = 0; depth < missing; depth++) data = [data];
  return { name, datatype, shape: [...Array<number>(missing).fill(1), ...sizes], data };
}

function readOthers(others: Record<string, unknown>): Parameters {
  const wrong = Object.entries(others).find(([, value]) => !["string", "number", "boolean"].includes(typeof value));
  if (wrong === undefined) return others as Parameters;
  throw refusal("TENSOR_UNKNOWN", `${quote(wrong[0])} is no input of the model, and too much for a parameter`);
}

/** Its answer: outputs by their names, flat and row-major; a single element without a list. Throws TENSOR_VALUE. */
export function writeGenerated({ model, version, id, outputs }: InferResponse): string {
  const fields = outputs.map((output) => {
    const data = writeJsonData(output);
    return `,${JSON.stringify(output.name)}:${output.data.length === 1 ? data.slice(1, -1) : data}`;
  });
  const head = JSON.stringify({ model_name: model, model_version: version, ...(id === undefined ? {} : { id }) });
  return `${head.slice(0, -1)}${fields.join("")}}`;
}
