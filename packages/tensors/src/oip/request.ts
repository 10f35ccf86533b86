// SPDX-License-Identifier: Apache-2.0
import { parseDatatype, toTensor } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import { countElements, demandLength, parseShape } from "../shape.ts";
import type { Datatype, Tensor } from "../tensor.ts";
import { readJsonData } from "./json-data.ts";
import type { InferRequest, Parameters, RequestedOutput } from "./messages.ts";

/** An input as its JSON describes it, before its data is read. */
export type Described = {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly count: number;
  readonly data: unknown;
  readonly parameters: Parameters;
};

/** How the data of an input is found: in the JSON, or behind it. */
export type ReadData = (input: Described) => Tensor["data"];

/**
 * Reads the parsed JSON of a request of the Open Inference Protocol v2 (kserve/open-inference-protocol,
 * inference_rest.md). Keys that the protocol does not have are left alone, as other servers do.
 * Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE, TENSOR_DATATYPE, TENSOR_VALUE.
 */
export function readInferRequest(json: unknown, limits: Limits, readData: ReadData = readFromJson): InferRequest {
  if (!isRecord(json)) throw refusal("TENSOR_MALFORMED", "The request is not a JSON object");
  const { id, inputs, outputs } = json;
  if (id !== undefined && typeof id !== "string") throw refusal("TENSOR_MALFORMED", "The id is not a string");
  const parameters = readParameters(json.parameters, "the request");
  const prefersBinary = parameters.binary_data_output === true;
  return {
    id,
    parameters,
    prefersBinary,
    inputs: readList(inputs, "inputs", limits).map((input) => readInput(input, limits, readData)),
    outputs:
      outputs === undefined
        ? undefined
        : readList(outputs, "outputs", limits).map((output) => readOutput(output, prefersBinary)),
  };
}

function readFromJson(input: Described): Tensor["data"] {
  return readJsonData(input, input.data);
}

function readList(value: unknown, what: string, limits: Limits): Record<string, unknown>[] {
  if (!Array.isArray(value) || !value.every(isRecord)) {
    throw refusal("TENSOR_MALFORMED", `The request has no list of ${what}`);
  }
  if (value.length > limits.tensors) {
    throw refusal("TENSOR_TOO_LARGE", `The request has ${value.length} ${what}; ${limits.tensors} are allowed`);
  }
  const names = new Set(value.map(({ name }) => name));
  if (names.size !== value.length) throw refusal("TENSOR_MALFORMED", `Two of the ${what} have the same name`);
  return value;
}

function readInput(input: Record<string, unknown>, limits: Limits, readData: ReadData): Tensor {
  const name = readName(input.name);
  const datatype = parseDatatype(input.datatype, name);
  const shape = parseShape(input.shape, name, limits);
  const count = countElements(shape, name, limits);
  const parameters = readParameters(input.parameters, `input ${quote(name)}`);
  const data = readData({ name, datatype, shape, count, data: input.data, parameters });
  demandLength(data.length, count, name);
  return toTensor(name, datatype, shape, data);
}

function readOutput(output: Record<string, unknown>, prefersBinary: boolean): RequestedOutput {
  const name = readName(output.name);
  const { binary_data: isBinary = prefersBinary, classification } = readParameters(output.parameters, quote(name));
  return {
    name,
    isBinary: isBinary === true,
    ...(typeof classification === "number" ? { classification } : {}),
  };
}

function readName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw refusal("TENSOR_MALFORMED", "An input or output has no name");
}

function readParameters(value: unknown, owner: string): Parameters {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw refusal("TENSOR_MALFORMED", `The parameters of ${owner} are no object`);
  return value as Parameters;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
