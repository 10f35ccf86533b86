// SPDX-License-Identifier: Apache-2.0
import { fromBytes, LAYOUTS, type NumericData, type NumericDatatype } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { refusal } from "../refuse.ts";
import { readByte, readLong, readRoot, readTable, readVector, type Table } from "./flatbuffer-reader.ts";
import { type ColumnType, readSchema, type Schema } from "./schema-reader.ts";

/** A column of a record batch. */
export type Column = { readonly name: string; readonly rows: number; readonly nulls: number } & (
  | {
      readonly kind: "numbers";
      readonly datatype: NumericDatatype;
      readonly values: NumericData;
      readonly validity: Uint8Array;
    }
  /** Eight to a byte, the lowest bit first. */
  | { readonly kind: "bits"; readonly values: Uint8Array }
  | { readonly kind: "texts"; readonly values: readonly Uint8Array[] }
  | { readonly kind: "list"; readonly item: Column }
  | { readonly kind: "fixed"; readonly item: Column }
  | { readonly kind: "struct"; readonly children: readonly Column[] }
);

/** What a stream holds: its schema, and each of its record batches as columns. */
export type ArrowStream = { readonly schema: Schema; readonly batches: readonly (readonly Column[])[] };

const MESSAGE = { schema: 1, recordBatch: 3 } as const;
const CONTINUATION = 0xffffffff;

/**
 * Reads an Arrow IPC stream (arrow.apache.org, Columnar format, "Encapsulated message format"). Values are not copied
 * where they are aligned. Dictionaries, compression and big endian are refused.
 * Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE.
 */
export function readArrowStream(bytes: Uint8Array, limits: Limits): ArrowStream {
  try {
    return readMessages(bytes, limits);
  } catch (error) {
    if (error instanceof RangeError) throw refusal("TENSOR_MALFORMED", "The Arrow stream ends too early");
    throw error;
  }
}

function readMessages(bytes: Uint8Array, limits: Limits): ArrowStream {
  const batches: Column[][] = [];
  let schema: Schema | undefined;
  for (const { kind, header, body } of splitMessages(bytes)) {
    if (kind === MESSAGE.schema && schema === undefined) schema = readSchema(header, limits);
    else if (kind === MESSAGE.recordBatch && schema !== undefined) {
      batches.push(readBatch(header, schema.columns, { body, limits }));
    } else throw refusal("TENSOR_MALFORMED", "The Arrow stream has a message that does not belong there");
    if (batches.length > limits.tensors) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many batches");
  }
  if (schema === undefined) throw refusal("TENSOR_MALFORMED", "The body is no Arrow stream");
  return { schema, batches };
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

/** Field nodes and buffers come in the order of the fields, depth first. */
type Cursor = { batch: Table; body: Uint8Array; limits: Limits; node: number; buffer: number; unread: number };

function readBatch(
  batch: Table,
  columns: readonly ColumnType[],
  { body, limits }: Pick<Cursor, "body" | "limits">,
): Column[] {
  if (readTable(batch, 3) !== undefined) throw refusal("TENSOR_MALFORMED", "The Arrow stream is compressed");
  const cursor: Cursor = { batch, body, limits, node: 0, buffer: 0, unread: body.length };
  return columns.map((type) => readColumn(type, cursor));
}

function readColumn(type: ColumnType, cursor: Cursor): Column {
  const head = { name: type.name, ...nextNode(cursor) };
  const { rows } = head;
  const validity = nextBuffer(cursor);
  switch (type.kind) {
    case "struct":
      return { ...head, kind: "struct", children: type.children.map((child) => readColumn(child, cursor)) };
    case "list":
      nextBuffer(cursor);
      return { ...head, kind: "list", item: readColumn(type.item, cursor) };
    case "fixed": {
      const item = readColumn(type.item, cursor);
      if (item.rows !== rows * type.width) throw new RangeError("items behind the end");
      return { ...head, kind: "fixed", item };
    }
    case "numbers": {
      const { datatype } = type;
      const values = fromBytes(datatype, nextValues(cursor, rows * LAYOUTS[datatype].bytes));
      return { ...head, kind: "numbers", datatype, values, validity };
    }
    case "bits":
      return { ...head, kind: "bits", values: nextValues(cursor, Math.ceil(rows / 8)) };
    case "texts": {
      const offsets = rows === 0 ? nextBuffer(cursor) : nextValues(cursor, (rows + 1) * type.offsetBytes);
      return {
        ...head,
        kind: "texts",
        values: readTexts({ rows, offsets, offsetBytes: type.offsetBytes, bytes: nextBuffer(cursor) }),
      };
    }
  }
}

type Texts = { rows: number; offsets: Uint8Array; offsetBytes: 4 | 8; bytes: Uint8Array };

function readTexts({ rows, offsets, offsetBytes, bytes }: Texts): Uint8Array[] {
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  const at = (row: number): number =>
    offsetBytes === 8 ? Number(view.getBigInt64(8 * row, true)) : view.getInt32(4 * row, true);
  return Array.from({ length: rows }, (_, row) => {
    const [from, to] = [at(row), at(row + 1)];
    if (from < 0 || to < from || to > bytes.length) throw new RangeError("text behind the end");
    return bytes.subarray(from, to);
  });
}

function nextNode(cursor: Cursor): { rows: number; nulls: number } {
  const { at, length } = readVector(cursor.batch, 1);
  if (cursor.node >= length) throw new RangeError("field node behind the end");
  const { view } = cursor.batch;
  const start = at + 16 * cursor.node++;
  const rows = Number(view.getBigInt64(start, true));
  if (rows < 0) throw new RangeError("fewer than no rows");
  if (rows > cursor.limits.elements) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many rows");
  return { rows, nulls: Number(view.getBigInt64(start + 8, true)) };
}

/** The next buffer without its padding. */
function nextValues(cursor: Cursor, size: number): Uint8Array {
  const values = nextBuffer(cursor);
  if (values.length < size) throw new RangeError("values behind the end");
  return values.subarray(0, size);
}

function nextBuffer(cursor: Cursor): Uint8Array {
  const { at, length } = readVector(cursor.batch, 2);
  if (cursor.buffer >= length) throw new RangeError("buffer behind the end");
  const start = at + 16 * cursor.buffer++;
  const offset = Number(cursor.batch.view.getBigInt64(start, true));
  const size = Number(cursor.batch.view.getBigInt64(start + 8, true));
  // No byte belongs to two buffers, so that no body grows by being read.
  cursor.unread -= size;
  if (offset < 0 || size < 0 || offset + size > cursor.body.length || cursor.unread < 0) {
    throw new RangeError("buffer behind the end");
  }
  return cursor.body.subarray(offset, offset + size);
}
