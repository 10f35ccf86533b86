// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from "node:buffer";
import { LAYOUTS, type NumericData, toBytes, toTensor } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import { countElements, demandLength, parseShape } from "../shape.ts";
import type { Tensor, TensorOf } from "../tensor.ts";
import type { ColumnType, Metadata } from "./schema-reader.ts";
import { type Column, readArrowStream } from "./stream-reader.ts";
import { type FieldType, type NamedField, writeArrowStream } from "./stream-writer.ts";

/**
 * Tensors as columns of an Arrow IPC stream. A column is one tensor, called as the field is; its rows, over all batches,
 * are the first dimension. Inner dimensions are fixed-size lists, one within the other, or one list with Arrow's extension
 * type `arrow.fixed_shape_tensor` (arrow.apache.org, Canonical extension types). Columns of one batch have as many rows
 * as each other; where tensors have not, each is one row, and `bulwark:shape` in the metadata of its field is its shape.
 */
export type TensorStream = { readonly tensors: readonly Tensor[]; readonly metadata: Metadata };

/** Metadata of a field: a JSON list, the whole shape of its tensor, whatever its rows are. */
export const SHAPE_KEY = "bulwark:shape";
const EXTENSION_NAME = "ARROW:extension:name";
const EXTENSION_METADATA = "ARROW:extension:metadata";
const FIXED_SHAPE = "arrow.fixed_shape_tensor";

/** Reads tensors. Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE, TENSOR_VALUE. */
export function readTensorStream(bytes: Uint8Array, limits: Limits): TensorStream {
  const { schema, batches } = readArrowStream(bytes, limits);
  const names = new Set(schema.columns.map(({ name }) => name));
  if (names.size !== schema.columns.length) throw refusal("TENSOR_MALFORMED", "Two columns have the same name");
  if (names.has("")) throw refusal("TENSOR_MALFORMED", "A column has no name");
  const tensors = schema.columns.map((type, at) => {
    const parts = batches.flatMap((columns) => columns[at] ?? []);
    return readTensor(type, parts, limits);
  });
  return { tensors, metadata: schema.metadata };
}

function readTensor(type: ColumnType, parts: readonly Column[], limits: Limits): Tensor {
  const { name } = type;
  const { leaf, inner } = unwrapType(type, limits);
  const shape = readShape(type) ?? [parts.reduce((sum, { rows }) => sum + rows, 0), ...inner];
  const count = countElements(parseShape(shape, name, limits), name, limits);
  const leaves = parts.map((part) => unwrapColumn(part, name));
  demandLength(
    leaves.reduce((sum, { rows }) => sum + rows, 0),
    count,
    name,
  );
  switch (leaf.kind) {
    case "numbers":
      return toTensor(name, leaf.datatype, shape, joinNumbers(leaf.datatype, leaves, count));
    case "bits":
      return toTensor(name, "BOOL", shape, readBits(leaves, count));
    case "texts":
      return toTensor(
        name,
        "BYTES",
        shape,
        leaves.flatMap((part) => (part.kind === "texts" ? part.values : [])),
      );
    default:
      throw refusal("TENSOR_MALFORMED", `Column ${quote(name)} is of a type that no tensor has`);
  }
}

/** What a column's elements are, and the dimensions that each row of it has. */
function unwrapType(type: ColumnType, limits: Limits): { leaf: ColumnType; inner: number[] } {
  const inner: number[] = [];
  let leaf = type;
  for (; leaf.kind === "fixed"; leaf = leaf.item) inner.push(leaf.width);
  if (type.metadata.get(EXTENSION_NAME) !== FIXED_SHAPE) return { leaf, inner };
  const { shape, permutation } = parseExtension(type);
  const sizes = parseShape(shape, type.name, limits);
  if (Array.isArray(permutation) && permutation.some((from, to) => from !== to)) {
    const message = `Column ${quote(type.name)} has its dimensions in another order than they lie in`;
    throw refusal("TENSOR_SHAPE", message, "send it row-major: numpy.ascontiguousarray");
  }
  demandLength(
    inner.reduce((product, size) => product * size, 1),
    countElements(sizes, type.name, limits),
    type.name,
  );
  return { leaf, inner: sizes };
}

function parseExtension({ metadata, name }: ColumnType): { shape?: unknown; permutation?: unknown } {
  const value = parseJson(metadata.get(EXTENSION_METADATA) ?? "", name);
  return typeof value === "object" && value !== null ? value : {};
}

function readShape({ metadata, name }: ColumnType): number[] | undefined {
  const text = metadata.get(SHAPE_KEY);
  return text === undefined ? undefined : (parseJson(text, name) as number[]);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal("TENSOR_MALFORMED", `The metadata of column ${quote(name)} is no JSON`);
  }
}

/** The elements of a column below its lists. */
function unwrapColumn(column: Column, name: string): Column {
  if (column.nulls !== 0) throw refusal("TENSOR_VALUE", `Column ${quote(name)} has nulls, which no tensor holds`);
  return column.kind === "fixed" ? unwrapColumn(column.item, name) : column;
}

function joinNumbers(datatype: keyof typeof LAYOUTS, parts: readonly Column[], count: number): NumericData {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === "numbers") return only.values;
  const joined = LAYOUTS[datatype].make(count) as Float32Array;
  let at = 0;
  for (const part of parts) {
    if (part.kind !== "numbers") continue;
    joined.set(part.values as Float32Array, at);
    at += part.rows;
  }
  return joined;
}

function readBits(parts: readonly Column[], count: number): Uint8Array {
  const data = new Uint8Array(count);
  let at = 0;
  for (const part of parts) {
    if (part.kind !== "bits") continue;
    for (let row = 0; row < part.rows; row++) data[at++] = ((part.values[row >> 3] ?? 0) >> (row & 7)) & 1;
  }
  return data;
}

/** Writes tensors, as `readTensorStream` reads them: with the extension type where there are inner dimensions. */
export function writeTensorStream({ tensors, metadata }: TensorStream): Buffer {
  const rows = tensors[0]?.shape[0];
  const isByRows = rows !== undefined && tensors.every(({ shape }) => shape[0] === rows);
  const columns = tensors.map((tensor) => writeColumn(tensor, isByRows ? tensor.shape[0] : undefined));
  const batch = {
    rows: isByRows ? rows : 1,
    nodes: columns.flatMap(({ nodes }) => nodes),
    buffers: columns.flatMap(({ buffers }) => buffers),
  };
  return writeArrowStream(
    columns.map(({ field }) => field),
    [batch],
    metadata,
  );
}

type WrittenColumn = { field: NamedField; nodes: { rows: number; nulls: number }[]; buffers: Uint8Array[] };
const NONE = new Uint8Array(0);

/** By its rows, or where `rows` is undefined, in one row with the whole shape beside it. */
function writeColumn(tensor: Tensor, rows: number | undefined): WrittenColumn {
  const { name, shape, data } = tensor;
  const inner = rows === undefined ? shape : shape.slice(1);
  const { type, buffers } = writeElements(tensor);
  const whole = rows === undefined ? [[SHAPE_KEY, `[${shape}]`] as const] : [];
  const elements = { rows: data.length, nulls: 0 };
  if (inner.length === 0) return { field: { name, type, metadata: new Map(whole) }, nodes: [elements], buffers };
  const width = inner.reduce((product, size) => product * size, 1);
  const extension = [
    [EXTENSION_NAME, FIXED_SHAPE],
    [EXTENSION_METADATA, `{"shape":[${inner}]}`],
  ] as const;
  return {
    field: {
      name,
      type: { kind: "fixed", width, item: { name: "item", type } },
      metadata: new Map([...extension, ...whole]),
    },
    nodes: [{ rows: rows ?? 1, nulls: 0 }, elements],
    buffers: [NONE, ...buffers],
  };
}

function writeElements(tensor: Tensor): { type: FieldType; buffers: Uint8Array[] } {
  switch (tensor.datatype) {
    case "BYTES":
      return writeTexts(tensor);
    case "BOOL":
      return { type: { kind: "bits" }, buffers: [NONE, writeBits(tensor.data)] };
    default:
      return { type: { kind: "numbers", datatype: tensor.datatype }, buffers: [NONE, toBytes(tensor.data)] };
  }
}

const MOST_TEXT = 2 ** 31 - 1;

function writeTexts({ name, data }: TensorOf<"BYTES">): { type: FieldType; buffers: Uint8Array[] } {
  const offsets = new Int32Array(data.length + 1);
  let end = 0;
  for (const [at, { length }] of data.entries()) {
    end += length;
    if (end > MOST_TEXT) throw refusal("TENSOR_TOO_LARGE", `Tensor ${quote(name)} holds more than 2 GiB of text`);
    offsets[at + 1] = end;
  }
  const kind = data.every((bytes) => isUtf8(bytes)) ? "utf8" : "binary";
  return { type: { kind }, buffers: [NONE, toBytes(offsets), Buffer.concat(data)] };
}

function writeBits(data: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(data.length / 8));
  for (const [at, value] of data.entries()) {
    if (value !== 0) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  }
  return bits;
}
