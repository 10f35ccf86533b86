// SPDX-License-Identifier: Apache-2.0
import { toTensor } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { parseJson } from "../oip/json.ts";
import { readJsonData } from "../oip/json-data.ts";
import { isRecord } from "../oip/request.ts";
import { quote, refusal } from "../refuse.ts";
import { countElements, parseShape } from "../shape.ts";
import { type OlderInput, toDense } from "./older-input.ts";

/** Name of an input that the caller did not name, as the older client has it. */
const UNNAMED = "t";

/**
 * Reads the JSON body of the older HTTP surface: `{"instances": [{name: scalar | nested list | {shape, data, indices} |
 * text}]}`. Numbers become single precision, as there. Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE,
 * TENSOR_VALUE.
 */
export function readInstances(body: Buffer, limits: Limits): OlderInput[][] {
  const json = parseJson(body.toString("utf8"));
  const instances = isRecord(json) ? json.instances : undefined;
  if (!Array.isArray(instances) || instances.length === 0) {
    throw refusal(
      "TENSOR_MALFORMED",
      "The request has no list of instances",
      'send {"instances": [{"t": [1.0, 2.0]}]}',
    );
  }
  if (instances.length > limits.tensors) {
    throw refusal("TENSOR_TOO_LARGE", `The request has ${instances.length} instances; ${limits.tensors} are allowed`);
  }
  return instances.map((instance) => readInstance(instance, limits));
}

function readInstance(instance: unknown, limits: Limits): OlderInput[] {
  if (!isRecord(instance)) return [readValue(UNNAMED, instance, limits)];
  const entries = Object.entries(instance);
  if (entries.length > limits.tensors) throw refusal("TENSOR_TOO_LARGE", "An instance has too many inputs");
  return entries.map(([name, value]) => readValue(name, value, limits));
}

function readValue(name: string, value: unknown, limits: Limits): OlderInput {
  if (typeof value === "string") return { kind: "text", name, text: value };
  if (isRecord(value)) return readSparse(name, value, limits);
  if (!Array.isArray(value)) return readNested(name, [value], limits);
  return readNested(name, value, limits);
}

function readNested(name: string, data: readonly unknown[], limits: Limits): OlderInput {
  const shape = findShape(name, data, limits);
  const count = countElements(shape, name, limits);
  const datatype = typeof findFirst(data) === "string" ? "BYTES" : "FP32";
  return {
    kind: "tensor",
    tensor: toTensor(name, datatype, shape, readJsonData({ name, datatype, shape, count }, data)),
  };
}

/** The lengths down the first elements, as the older server takes them; the reader then demands them everywhere. */
function findShape(name: string, data: unknown, limits: Limits): number[] {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) {
    if (shape.push(level.length) > limits.dimensions) {
      throw refusal("TENSOR_SHAPE", `Input ${quote(name)} is nested deeper than ${limits.dimensions}`);
    }
  }
  return shape;
}

function findFirst(data: unknown): unknown {
  let first = data;
  while (Array.isArray(first)) first = first[0];
  return first;
}

function readSparse(
  name: string,
  { shape: sizes, data, indices }: Record<string, unknown>,
  limits: Limits,
): OlderInput {
  const shape = parseShape(sizes, name, limits);
  const count = countElements(shape, name, limits);
  if (indices === undefined) {
    const tensor = toTensor(name, "FP32", shape, readJsonData({ name, datatype: "FP32", shape, count }, data));
    return { kind: "tensor", tensor };
  }
  if (!Array.isArray(data) || !Array.isArray(indices)) {
    throw refusal("TENSOR_MALFORMED", `Sparse input ${quote(name)} needs lists of data and indices`);
  }
  const lengths = findShape(name, indices, limits);
  const read = (datatype: "FP32" | "INT32", size: readonly number[], values: unknown) =>
    readJsonData({ name, datatype, shape: size, count: countElements(size, name, limits) }, values);
  return toDense({
    name,
    shape,
    count,
    indices: Array.from(read("INT32", lengths, indices) as Int32Array),
    indicesShape: lengths,
    values: read("FP32", [data.length], data) as Float32Array,
  });
}
