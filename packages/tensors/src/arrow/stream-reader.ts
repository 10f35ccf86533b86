// SPDX-License-Identifier: Apache-2.0
import { fromBytes, LAYOUTS, type NumericData, type NumericDatatype } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { refusal } from "../refuse.ts";
import {
  readByte,
  readInt,
  readLong,
  readRoot,
  readShort,
  readString,
  readTable,
  readTables,
  readVector,
  type Table,
} from "./flatbuffer-reader.ts";

/** A column of a record batch, as far as the older client's payloads have them. */
export type Column = { readonly name: string; readonly rows: number } & (
  | {
      readonly kind: "numbers";
      readonly datatype: NumericDatatype;
      readonly values: NumericData;
      readonly validity: Uint8Array;
    }
  | { readonly kind: "texts"; readonly values: readonly Uint8Array[] }
  | { readonly kind: "list"; readonly item: Column }
  | { readonly kind: "struct"; readonly children: readonly Column[] }
);

type ColumnType = { name: string } & (
  | { kind: "numbers"; datatype: NumericDatatype }
  | { kind: "texts" }
  | { kind: "list"; item: ColumnType }
  | { kind: "struct"; children: ColumnType[] }
);

const MESSAGE = { schema: 1, recordBatch: 3 } as const;
const TYPE = { int: 2, floatingPoint: 3, binary: 4, utf8: 5, list: 12, struct: 13 } as const;
const CONTINUATION = 0xffffffff;
/** A struct of lists of numbers: nothing the older client sends is deeper. */
const DEEPEST = 3;

/**
 * The record batches of an Arrow IPC stream (arrow.apache.org, Columnar format, "Encapsulated message format"), each as
 * its columns. Values are not copied where they are aligned. Dictionaries, compression and big endian are refused.
 * Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE.
 */
export function readArrowStream(bytes: Uint8Array, limits: Limits): Column[][] {
  try {
    return readMessages(bytes, limits);
  } catch (error) {
    if (error instanceof RangeError) throw refusal("TENSOR_MALFORMED", "The Arrow stream ends too early");
    throw error;
  }
}

function readMessages(bytes: Uint8Array, limits: Limits): Column[][] {
  const batches: Column[][] = [];
  let schema: ColumnType[] | undefined;
  for (const { kind, header, body } of splitMessages(bytes)) {
    if (kind === MESSAGE.schema) schema = readSchema(header, limits);
    else if (kind === MESSAGE.recordBatch && schema !== undefined) batches.push(readBatch(header, schema, body));
    else throw refusal("TENSOR_MALFORMED", "The Arrow stream has a message that does not belong there");
    if (batches.length > limits.tensors) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many batches");
  }
  return batches;
}

function* splitMessages(bytes: Uint8Array): Generator<{ kind: number; header: Table; body: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; ) {
    // Streams before Arrow 0.15 have no continuation marker.
    if (view.getUint32(at, true) === CONTINUATION) at += 4;
    const size = view.getInt32(at, true);
    if (size === 0) return;
    at += 4;
    const message = readRoot(new DataView(bytes.buffer, bytes.byteOffset + at, requireWithin(bytes, at, size)));
    at += size;
    const bodyLength = requireWithin(bytes, at, readLong(message, 3));
    const header = readTable(message, 2);
    if (header === undefined) throw refusal("TENSOR_MALFORMED", "A message of the Arrow stream has no header");
    yield { kind: readByte(message, 1), header, body: bytes.subarray(at, at + bodyLength) };
    at += bodyLength;
  }
}

function requireWithin(bytes: Uint8Array, at: number, size: number): number {
  if (size >= 0 && at + size <= bytes.length) return size;
  throw new RangeError("message behind the end");
}

function readSchema(schema: Table, limits: Limits): ColumnType[] {
  if (readShort(schema, 0) !== 0) throw refusal("TENSOR_MALFORMED", "The Arrow stream is big endian");
  const columns = [];
  for (const field of readTables(schema, 1)) {
    if (columns.length === limits.tensors) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many columns");
    columns.push(readField(field, 1));
  }
  return columns;
}

function readField(field: Table, depth: number): ColumnType {
  const name = readString(field, 0);
  const type = readTable(field, 3);
  const kind = readByte(field, 2);
  const children = (): ColumnType[] => {
    if (depth === DEEPEST) throw refusal("TENSOR_MALFORMED", "The Arrow stream nests deeper than a struct of lists");
    return [...readTables(field, 5)].map((child) => readField(child, depth + 1));
  };
  if (readTable(field, 4) !== undefined) throw refusal("TENSOR_MALFORMED", "The Arrow stream uses a dictionary");
  if (kind === TYPE.utf8 || kind === TYPE.binary) return { name, kind: "texts" };
  if (kind === TYPE.struct) return { name, kind: "struct", children: children() };
  if (kind === TYPE.list) {
    const [item] = children();
    if (item !== undefined) return { name, kind: "list", item };
  }
  const datatype = type === undefined ? undefined : toDatatype(kind, type);
  if (datatype !== undefined) return { name, kind: "numbers", datatype };
  throw refusal("TENSOR_MALFORMED", `The Arrow stream has a column of type ${kind}, which no request has`);
}

const FLOATS = ["FP16", "FP32", "FP64"] as const;

function toDatatype(kind: number, type: Table): NumericDatatype | undefined {
  if (kind === TYPE.floatingPoint) return FLOATS[readShort(type, 0)];
  if (kind !== TYPE.int) return undefined;
  const datatype = `${readByte(type, 1) === 0 ? "U" : ""}INT${readInt(type, 0)}`;
  return datatype in LAYOUTS ? (datatype as NumericDatatype) : undefined;
}

/** Field nodes and buffers come in the order of the fields, depth first. */
type Cursor = { batch: Table; body: Uint8Array; node: number; buffer: number };

function readBatch(batch: Table, schema: readonly ColumnType[], body: Uint8Array): Column[] {
  if (readTable(batch, 3) !== undefined) throw refusal("TENSOR_MALFORMED", "The Arrow stream is compressed");
  const cursor: Cursor = { batch, body, node: 0, buffer: 0 };
  return schema.map((type) => readColumn(type, cursor));
}

function readColumn(type: ColumnType, cursor: Cursor): Column {
  const rows = nextRows(cursor);
  const { name } = type;
  const validity = nextBuffer(cursor);
  switch (type.kind) {
    case "struct":
      return { name, rows, kind: "struct", children: type.children.map((child) => readColumn(child, cursor)) };
    case "list":
      nextBuffer(cursor);
      return { name, rows, kind: "list", item: readColumn(type.item, cursor) };
    case "numbers": {
      const size = rows * LAYOUTS[type.datatype].bytes;
      const values = nextBuffer(cursor).subarray(0, size);
      if (values.length !== size) throw new RangeError("values behind the end");
      return {
        name,
        rows,
        kind: "numbers",
        datatype: type.datatype,
        values: fromBytes(type.datatype, values),
        validity,
      };
    }
    case "texts":
      return { name, rows, kind: "texts", values: readTexts(rows, nextBuffer(cursor), nextBuffer(cursor)) };
  }
}

function readTexts(rows: number, offsets: Uint8Array, bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  return Array.from({ length: rows }, (_, row) => {
    const [from, to] = [view.getInt32(4 * row, true), view.getInt32(4 * row + 4, true)];
    if (from < 0 || to < from || to > bytes.length) throw new RangeError("text behind the end");
    return bytes.subarray(from, to);
  });
}

function nextRows(cursor: Cursor): number {
  const { at, length } = readVector(cursor.batch, 1);
  if (cursor.node >= length) throw new RangeError("field node behind the end");
  const rows = Number(cursor.batch.view.getBigInt64(at + 16 * cursor.node++, true));
  // No row is without a byte in the body, but for those of structs.
  if (rows < 0 || rows > 8 * cursor.body.length) throw new RangeError("rows behind the end");
  return rows;
}

function nextBuffer(cursor: Cursor): Uint8Array {
  const { at, length } = readVector(cursor.batch, 2);
  if (cursor.buffer >= length) throw new RangeError("buffer behind the end");
  const start = at + 16 * cursor.buffer++;
  const offset = Number(cursor.batch.view.getBigInt64(start, true));
  const size = Number(cursor.batch.view.getBigInt64(start + 8, true));
  if (offset < 0 || size < 0 || offset + size > cursor.body.length) throw new RangeError("buffer behind the end");
  return cursor.body.subarray(offset, offset + size);
}
