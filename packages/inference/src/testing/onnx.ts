// SPDX-License-Identifier: Apache-2.0

/**
 * Writes small ONNX models: as much of the format (onnx/onnx, onnx/onnx.proto3) as tests, examples and benchmarks need.
 */
export type Dimension = number | string;
export type Value = { name: string; type: ElementType; shape: readonly Dimension[] };
export type Constant = { name: string; shape: readonly number[]; data: Float32Array | BigInt64Array };
export type Attribute =
  | { name: string; ints: readonly number[] }
  | { name: string; int: number }
  | { name: string; float: number }
  | { name: string; graph: Graph };
export type Node = {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: readonly Attribute[];
};
export type Graph = {
  inputs: readonly Value[];
  outputs: readonly Value[];
  nodes: readonly Node[];
  constants?: readonly Constant[];
};

export const ELEMENT_TYPES = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

const IR_VERSION = 8;
const OPSET = 17;

/** The bytes of a model file. */
export function writeOnnx(graph: Graph): Buffer {
  const opset = message([2, OPSET]);
  return message([1, IR_VERSION], [2, "bulwark"], [7, writeGraph(graph)], [8, opset]);
}

type FieldValue = number | string | Buffer;

/** A protobuf message of varints and length-delimited fields. */
function message(...fields: readonly (readonly [number: number, value: FieldValue])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number * 8), varint(value)];
      const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
      return [varint(number * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function writeGraph({ inputs, outputs, nodes, constants = [] }: Graph): Buffer {
  return message(
    ...nodes.map((node) => [1, writeNode(node)] as const),
    [2, "graph"],
    ...constants.map((constant) => [5, writeConstant(constant)] as const),
    ...inputs.map((value) => [11, writeValue(value)] as const),
    ...outputs.map((value) => [12, writeValue(value)] as const),
  );
}

function writeNode({ op, inputs, outputs, attributes = [] }: Node): Buffer {
  return message(
    ...inputs.map((name) => [1, name] as const),
    ...outputs.map((name) => [2, name] as const),
    [4, op],
    ...attributes.map((attribute) => [5, writeAttribute(attribute)] as const),
  );
}

const ATTRIBUTE = { float: 1, int: 2, graph: 5, ints: 7 } as const;

function writeAttribute(attribute: Attribute): Buffer {
  const { name } = attribute;
  if ("int" in attribute) return message([1, name], [3, attribute.int], [20, ATTRIBUTE.int]);
  if ("graph" in attribute) return message([1, name], [6, writeGraph(attribute.graph)], [20, ATTRIBUTE.graph]);
  if ("ints" in attribute) {
    return message([1, name], ...attribute.ints.map((value) => [8, value] as const), [20, ATTRIBUTE.ints]);
  }
  const float = Buffer.alloc(4);
  float.writeFloatLE(attribute.float);
  // Field 2 is a float: wire type 5, four bytes.
  return Buffer.concat([message([1, name]), varint(2 * 8 + 5), float, message([20, ATTRIBUTE.float])]);
}

function writeConstant({ name, shape, data }: Constant): Buffer {
  const type = data instanceof Float32Array ? ELEMENT_TYPES.FP32 : ELEMENT_TYPES.INT64;
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return message(...shape.map((size) => [1, size] as const), [2, type], [8, name], [9, raw]);
}

function writeValue({ name, type, shape }: Value): Buffer {
  const dimensions = shape.map((size) => [1, message(typeof size === "number" ? [1, size] : [2, size])] as const);
  const tensor = message([1, ELEMENT_TYPES[type]], [2, message(...dimensions)]);
  return message([1, name], [2, message([1, tensor])]);
}
