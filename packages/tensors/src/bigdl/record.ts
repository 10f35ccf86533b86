// SPDX-License-Identifier: Apache-2.0
import type { Column } from "../arrow/stream-reader.ts";
import { readArrowStream } from "../arrow/stream-reader.ts";
import { type Batch, type NamedField, writeArrowStream } from "../arrow/stream-writer.ts";
import { toBytes, toTensor } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import { countElements, demandLength, parseShape } from "../shape.ts";
import type { NumericTensor } from "../tensor.ts";
import { type OlderInput, toDense } from "./older-input.ts";

/**
 * Reads the request payload of the older client: an Arrow IPC stream whose columns are the inputs. A tensor is a struct
 * of four lists, found by name; which row holds which list differs between its writers, so rows and validity are left
 * alone. Only the first batch counts, as in the older server.
 * Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE.
 */
export function decodeRecord(payload: Uint8Array, limits: Limits): OlderInput[] {
  const [columns] = readArrowStream(payload, limits).batches;
  if (columns === undefined) throw refusal("TENSOR_MALFORMED", "The Arrow stream has no batch");
  return columns.map((column) => readInput(column, limits));
}

function readInput(column: Column, limits: Limits): OlderInput {
  const { name } = column;
  switch (column.kind) {
    case "struct":
      return readStruct(name, column.children, limits);
    case "texts":
      return readText(name, column.values[0]);
    case "numbers":
      countElements([column.values.length], name, limits);
      return {
        kind: "tensor",
        tensor: toTensor(name, column.datatype, [column.values.length], column.values) as NumericTensor,
      };
    default:
      throw refusal("TENSOR_MALFORMED", `Column ${quote(name)} is of a type that the older client never sends`);
  }
}

function readStruct(name: string, children: readonly Column[], limits: Limits): OlderInput {
  const item = (child: string): Column | undefined => {
    const found = children.find((column) => column.name === child);
    return found?.kind === "list" ? found.item : undefined;
  };
  const whole = (child: string): number[] => {
    const column = item(child);
    return column?.kind === "numbers" ? Array.from(column.values, Number) : [];
  };
  const shape = parseShape(whole("shape"), name, limits);
  const count = countElements(shape, name, limits);
  const data = item("data");
  if (data?.kind === "texts") {
    demandLength(data.values.length, count, name);
    return { kind: "tensor", tensor: toTensor(name, "BYTES", shape, data.values) };
  }
  if (data?.kind !== "numbers") throw refusal("TENSOR_MALFORMED", `Column ${quote(name)} has no list called data`);
  const indices = whole("indiceData");
  if (indices.length > 0) {
    return toDense({ name, shape, count, indices, indicesShape: whole("indiceShape"), values: data.values });
  }
  demandLength(data.values.length, count, name);
  return { kind: "tensor", tensor: toTensor(name, data.datatype, shape, data.values) };
}

function readText(name: string, bytes: Uint8Array | undefined): OlderInput {
  if (bytes === undefined) throw refusal("TENSOR_MALFORMED", `Column ${quote(name)} is empty`);
  return { kind: "text", name, text: Buffer.from(bytes).toString("utf8") };
}

const listOf = (name: string, datatype: "INT32" | "FP32"): NamedField => ({
  name,
  type: { kind: "list", item: { name: "item", type: { kind: "numbers", datatype } } },
});

/** In the order in which the older client's schema has them. */
const STRUCT = [
  listOf("indiceData", "INT32"),
  listOf("indiceShape", "INT32"),
  listOf("data", "FP32"),
  listOf("shape", "INT32"),
];

/** An input as the older client takes it: a dense tensor of floats, or text (an image as base64, strings with pipes). */
export type RecordInput =
  | {
      name: string;
      data: Float32Array;
      shape: readonly number[];
      indices?: Int32Array;
      indicesShape?: readonly number[];
    }
  | { name: string; text: string };

/** Writes the payload as the older client does: four rows, each with one of the four lists. */
export function encodeRecord(inputs: readonly RecordInput[]): Buffer {
  const fields = inputs.map(
    (input): NamedField => ({
      name: input.name,
      type: "text" in input ? { kind: "utf8" } : { kind: "struct", children: STRUCT },
    }),
  );
  const batches = inputs.map((input) => ("text" in input ? textColumn(input.text) : structColumn(input)));
  const rows = Math.max(1, ...batches.map((batch) => batch.rows));
  if (batches.some((batch) => batch.rows !== rows)) {
    throw refusal("TENSOR_MALFORMED", "The older format cannot hold tensors and texts in one record");
  }
  const nodes = batches.flatMap((batch) => batch.nodes);
  return writeArrowStream(fields, [{ rows, nodes, buffers: batches.flatMap(({ buffers }) => buffers) }]);
}

const NONE = new Uint8Array(0);

function textColumn(text: string): Batch {
  const bytes = Buffer.from(text, "utf8");
  return {
    rows: 1,
    nodes: [{ rows: 1, nulls: 0 }],
    buffers: [NONE, toBytes(new Int32Array([0, bytes.length])), bytes],
  };
}

function structColumn(input: Extract<RecordInput, { shape: unknown }>): Batch {
  const lists = [
    input.indices ?? new Int32Array(0),
    new Int32Array(input.indicesShape ?? []),
    input.data,
    new Int32Array(input.shape),
  ];
  const rows = lists.length;
  const columns = lists.map((values, own) => ({
    nodes: [
      { rows, nulls: rows - 1 },
      { rows: values.length, nulls: 0 },
    ],
    buffers: [
      new Uint8Array([1 << own]),
      toBytes(Int32Array.from({ length: rows + 1 }, (_, row) => (row > own ? values.length : 0))),
      NONE,
      toBytes(values),
    ],
  }));
  return {
    rows,
    nodes: [{ rows, nulls: 0 }, ...columns.flatMap(({ nodes }) => nodes)],
    buffers: [NONE, ...columns.flatMap(({ buffers }) => buffers)],
  };
}
