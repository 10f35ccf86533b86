// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  countElements,
  type Datatype,
  type InferRequest,
  isDatatype,
  LAYOUTS,
  type Limits,
  type Parameters,
  parseShape,
  readBinaryData,
  type Tensor,
  toTensor,
  writeBinaryData,
} from "@bulwark/tensors";
import Long from "long";
import type { Contents, Whole, WireParameters, WireRequest, WireResponse, WireTensor } from "./schema.ts";

/** Which list of the contents holds a datatype; FP16 has none and comes raw. */
const LISTS: Readonly<Partial<Record<Datatype, keyof Contents>>> = {
  BOOL: "bool_contents",
  INT8: "int_contents",
  INT16: "int_contents",
  INT32: "int_contents",
  INT64: "int64_contents",
  UINT8: "uint_contents",
  UINT16: "uint_contents",
  UINT32: "uint_contents",
  UINT64: "uint64_contents",
  FP32: "fp32_contents",
  FP64: "fp64_contents",
  BYTES: "bytes_contents",
};

/** A request as the other protocols have it. Throws TENSOR_* codes. */
export function readRequest(wire: WireRequest, limits: Limits): InferRequest {
  const { inputs, outputs, raw_input_contents: raw } = wire;
  if (inputs.length > limits.tensors) throw refuse("TENSOR_TOO_LARGE", `${inputs.length} inputs are too many`);
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw refuse("TENSOR_MALFORMED", `${inputs.length} inputs came with ${raw.length} raw contents`);
  }
  return {
    id: wire.id === "" ? undefined : wire.id,
    parameters: readParameters(wire.parameters),
    inputs: inputs.map((input, at) => readTensor(input, raw[at], limits)),
    outputs: outputs.length === 0 ? undefined : outputs.map(({ name }) => ({ name, isBinary: true })),
    prefersBinary: raw.length > 0,
  };
}

function readTensor(
  { name, datatype, shape: wireShape, contents }: WireTensor,
  raw: Uint8Array | undefined,
  limits: Limits,
): Tensor {
  if (!isDatatype(datatype)) throw refuse("TENSOR_DATATYPE", `Input "${name}" has a datatype that does not exist`);
  const shape = parseShape(wireShape.map(Number), name, limits);
  const count = countElements(shape, name, limits);
  if (raw !== undefined) return toTensor(name, datatype, shape, readBinaryData({ name, datatype, count }, raw));
  const list = LISTS[datatype];
  const values = (list === undefined ? undefined : contents?.[list]) ?? [];
  if (values.length !== count) {
    throw refuse("TENSOR_SHAPE", `Input "${name}" has ${values.length} elements; its shape has ${count}`);
  }
  if (datatype === "BYTES") return toTensor(name, datatype, shape, values as Uint8Array[]);
  const data = LAYOUTS[datatype].make(count);
  for (const [at, value] of values.entries()) {
    const element =
      data instanceof BigInt64Array || data instanceof BigUint64Array ? toBigInt(value as Whole) : Number(value);
    (data as unknown as (number | bigint)[])[at] = element;
    // Smaller whole numbers travel as 32 bits: what does not fit would be cut.
    if (
      typeof element === "number" &&
      list !== "fp32_contents" &&
      Number(data[at]) !== element &&
      !Number.isNaN(element)
    ) {
      throw refuse("TENSOR_VALUE", `Element ${at} of input "${name}" is no ${datatype}`);
    }
  }
  return toTensor(name, datatype, shape, data);
}

const toBigInt = (value: Whole): bigint => (typeof value === "number" ? BigInt(value) : value.toBigInt());

function readParameters(wire: WireParameters): Parameters {
  const entries = Object.entries(wire).flatMap(([name, choice]) => {
    const [value] = Object.entries(choice).flatMap(([key, one]) => (key.endsWith("_param") ? [one] : []));
    return value === undefined ? [] : [[name, Long.isLong(value) ? value.toNumber() : value] as const];
  });
  return Object.fromEntries(entries) as Parameters;
}

/** The answer: raw where the request was, or where a datatype has no list of its own. */
export function writeResponse(
  {
    model,
    version,
    id,
    outputs,
  }: { model: string; version: string; id: string | undefined; outputs: readonly Tensor[] },
  prefersRaw: boolean,
): WireResponse {
  const isRaw = prefersRaw || outputs.some(({ datatype }) => LISTS[datatype] === undefined);
  return {
    model_name: model,
    model_version: version,
    id: id ?? "",
    outputs: outputs.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: [...output.shape],
      ...(isRaw ? {} : { contents: writeContents(output) }),
    })),
    raw_output_contents: isRaw ? outputs.map(writeBinaryData) : [],
  };
}

function writeContents({ datatype, data }: Tensor): Partial<Contents> {
  const list = LISTS[datatype];
  if (list === undefined) return {};
  if (datatype === "BYTES") return { [list]: data };
  if (datatype === "BOOL") return { [list]: Array.from(data, (value) => value !== 0) };
  const values = Array.from(data as ArrayLike<number | bigint>, (value) =>
    typeof value === "bigint" ? Long.fromBigInt(value, datatype === "UINT64") : value,
  );
  return { [list]: values };
}

const refuse = (
  code: "TENSOR_TOO_LARGE" | "TENSOR_MALFORMED" | "TENSOR_DATATYPE" | "TENSOR_SHAPE" | "TENSOR_VALUE",
  message: string,
) => new BulwarkError(code, message, "send what the Open Inference Protocol v2 asks for");
