// SPDX-License-Identifier: Apache-2.0
import { LAYOUTS, type NumericDatatype } from "../datatypes.ts";
import type { Limits } from "../limits.ts";
import { refusal } from "../refuse.ts";
import { readByte, readInt, readShort, readString, readTable, readTables, type Table } from "./flatbuffer-reader.ts";

/** Custom metadata of a schema or a field. */
export type Metadata = ReadonlyMap<string, string>;

/** A column as its schema describes it, as far as requests and results have them. */
export type ColumnType = { readonly name: string; readonly metadata: Metadata } & (
  | { readonly kind: "numbers"; readonly datatype: NumericDatatype }
  | { readonly kind: "bits" }
  | { readonly kind: "texts"; readonly offsetBytes: 4 | 8 }
  | { readonly kind: "list"; readonly item: ColumnType }
  | { readonly kind: "fixed"; readonly width: number; readonly item: ColumnType }
  | { readonly kind: "struct"; readonly children: readonly ColumnType[] }
);

export type Schema = { readonly columns: readonly ColumnType[]; readonly metadata: Metadata };

/** Numbers of the union `Type` in Arrow's Schema.fbs. */
const TYPE = { int: 2, floatingPoint: 3, bool: 6, list: 12, struct: 13, fixedSizeList: 16 } as const;
/** Bytes of an offset: Binary and Utf8, LargeBinary and LargeUtf8. */
const TEXTS: Readonly<Record<number, 4 | 8>> = { 4: 4, 5: 4, 19: 8, 20: 8 };
const MOST_METADATA = 64;

/** Fields that may still be read: a FlatBuffer can refer to one field from many places, so that few bytes make millions. */
type Budget = { fields: number; readonly depth: number };

/** Reads a schema message. Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE; a RangeError for what lies behind the end. */
export function readSchema(schema: Table, limits: Limits): Schema {
  if (readShort(schema, 0) !== 0) throw refusal("TENSOR_MALFORMED", "The Arrow stream is big endian");
  const budget = { fields: limits.tensors * (limits.dimensions + 1), depth: limits.dimensions };
  const columns: ColumnType[] = [];
  for (const field of readTables(schema, 1)) {
    if (columns.length === limits.tensors) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many columns");
    columns.push(readField(field, 0, budget));
  }
  return { columns, metadata: readMetadata(schema, 2) };
}

function readField(field: Table, depth: number, budget: Budget): ColumnType {
  if (budget.fields-- === 0) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too many fields");
  if (depth > budget.depth) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream nests too deep");
  const head = { name: readString(field, 0), metadata: readMetadata(field, 6) };
  if (readTable(field, 4) !== undefined) throw refusal("TENSOR_MALFORMED", "The Arrow stream uses a dictionary");
  const kind = readByte(field, 2);
  const children: ColumnType[] = [];
  for (const child of readTables(field, 5)) children.push(readField(child, depth + 1, budget));
  const [item] = children;
  const type = readTable(field, 3);
  const offsetBytes = TEXTS[kind];
  if (offsetBytes !== undefined) return { ...head, kind: "texts", offsetBytes };
  if (kind === TYPE.bool) return { ...head, kind: "bits" };
  if (kind === TYPE.struct) return { ...head, kind: "struct", children };
  if (kind === TYPE.list && item !== undefined) return { ...head, kind: "list", item };
  if (kind === TYPE.fixedSizeList && item !== undefined && type !== undefined) {
    return { ...head, kind: "fixed", width: readInt(type, 0), item };
  }
  const datatype = type === undefined ? undefined : toDatatype(kind, type);
  if (datatype !== undefined) return { ...head, kind: "numbers", datatype };
  throw refusal("TENSOR_MALFORMED", `The Arrow stream has a column of type ${kind}, which no tensor has`);
}

const FLOATS = ["FP16", "FP32", "FP64"] as const;

function toDatatype(kind: number, type: Table): NumericDatatype | undefined {
  if (kind === TYPE.floatingPoint) return FLOATS[readShort(type, 0)];
  if (kind !== TYPE.int) return undefined;
  const datatype = `${readByte(type, 1) === 0 ? "U" : ""}INT${readInt(type, 0)}`;
  return Object.hasOwn(LAYOUTS, datatype) ? (datatype as NumericDatatype) : undefined;
}

function readMetadata(table: Table, id: number): Metadata {
  const metadata = new Map<string, string>();
  let count = 0;
  for (const pair of readTables(table, id)) {
    if (count++ === MOST_METADATA) throw refusal("TENSOR_TOO_LARGE", "The Arrow stream has too much metadata");
    metadata.set(readString(pair, 0), readString(pair, 1));
  }
  return metadata;
}
