// SPDX-License-Identifier: Apache-2.0
import type { NumericDatatype } from "../datatypes.ts";
import {
  byte,
  type Field,
  int,
  long,
  ref,
  short,
  structs,
  table,
  tables,
  text,
  writeRoot,
} from "./flatbuffer-writer.ts";
import type { Metadata } from "./schema-reader.ts";

/** A type of column that requests and results have. */
export type FieldType =
  | { kind: "numbers"; datatype: Exclude<NumericDatatype, "BOOL"> }
  | { kind: "bits" | "utf8" | "binary" }
  | { kind: "list"; item: NamedField }
  | { kind: "fixed"; width: number; item: NamedField }
  | { kind: "struct"; children: readonly NamedField[] };
export type NamedField = { name: string; type: FieldType; metadata?: Metadata };

/** One record batch: rows of the whole, then rows and nulls of each field and its buffers, depth first. */
export type Batch = {
  rows: number;
  nodes: readonly { rows: number; nulls: number }[];
  buffers: readonly Uint8Array[];
};

const VERSION_5 = 4;
const MESSAGE = { schema: 1, recordBatch: 3 } as const;
type Write = ReturnType<typeof table>;
const EMPTY = table();

/** Number of each type in Arrow's union, and its table. */
function toType(type: FieldType): { id: number; fields: Write } {
  switch (type.kind) {
    case "numbers":
      return NUMBERS[type.datatype];
    case "fixed":
      return { id: 16, fields: table(int(type.width)) };
    default:
      return { id: PLAIN[type.kind], fields: EMPTY };
  }
}

const PLAIN = { binary: 4, utf8: 5, bits: 6, list: 12, struct: 13 } as const;
const whole = (bits: number, isSigned: 0 | 1) => ({ id: 2, fields: table(int(bits), byte(isSigned)) });
const floating = (precision: number) => ({ id: 3, fields: table(short(precision)) });
const NUMBERS = {
  UINT8: whole(8, 0),
  UINT16: whole(16, 0),
  UINT32: whole(32, 0),
  UINT64: whole(64, 0),
  INT8: whole(8, 1),
  INT16: whole(16, 1),
  INT32: whole(32, 1),
  INT64: whole(64, 1),
  FP16: floating(0),
  FP32: floating(1),
  FP64: floating(2),
} as const;

/** An Arrow IPC stream with its end mark. */
export function writeArrowStream(
  fields: readonly NamedField[],
  batches: readonly Batch[],
  metadata: Metadata = NO_METADATA,
): Buffer {
  return Buffer.concat([writeSchema(fields, metadata), ...batches.flatMap(writeBatch), END]);
}

const END = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

const NO_METADATA: Metadata = new Map();

function writeSchema(fields: readonly NamedField[], metadata: Metadata): Buffer {
  const schema = table(undefined, ref(tables(fields.map(toField))), ...writeMetadata(metadata));
  return writeMessage(MESSAGE.schema, schema, 0);
}

function toField({ name, type, metadata = NO_METADATA }: NamedField): Write {
  const children = "children" in type ? type.children : "item" in type ? [type.item] : [];
  const { id, fields } = toType(type);
  const items = ref(tables(children.map(toField)));
  return table(ref(text(name)), byte(1), byte(id), ref(fields), undefined, items, ...writeMetadata(metadata));
}

/** The last field of its table, left out where there is none. */
function writeMetadata(metadata: Metadata): Field[] {
  if (metadata.size === 0) return [];
  return [ref(tables([...metadata].map(([key, value]) => table(ref(text(key)), ref(text(value))))))];
}

function writeBatch({ rows, nodes, buffers }: Batch): Buffer[] {
  let offset = 0;
  const places = buffers.flatMap(({ length }) => {
    const place = [offset, length];
    offset += length + padding(length);
    return place;
  });
  const counts = nodes.flatMap((node) => [node.rows, node.nulls]);
  const header = table(long(rows), ref(structs(counts, 2)), ref(structs(places, 2)));
  const body = buffers.flatMap((bytes) => [bytes, ZEROS.subarray(0, padding(bytes.length))] as Buffer[]);
  return [writeMessage(MESSAGE.recordBatch, header, offset), ...body];
}

const ZEROS = Buffer.alloc(8);
const padding = (length: number): number => (8 - (length % 8)) % 8;

function writeMessage(kind: number, header: Write, bodyLength: number): Buffer {
  const fields: Field[] = [short(VERSION_5), byte(kind), ref(header), long(bodyLength)];
  const metadata = writeRoot(table(...fields));
  const prefix = Buffer.alloc(8, 0xff);
  prefix.writeInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata]);
}
