// SPDX-License-Identifier: Apache-2.0
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

/** A type of column that the older client's payloads have. */
export type FieldType =
  | { kind: "float32" }
  | { kind: "int32" }
  | { kind: "utf8" }
  | { kind: "list"; item: NamedField }
  | { kind: "struct"; children: readonly NamedField[] };
export type NamedField = { name: string; type: FieldType };

/** One record batch: rows of the whole, then rows and nulls of each field and its buffers, depth first. */
export type Batch = {
  rows: number;
  nodes: readonly { rows: number; nulls: number }[];
  buffers: readonly Uint8Array[];
};

const VERSION_5 = 4;
const MESSAGE = { schema: 1, recordBatch: 3 } as const;
const EMPTY = table();

/** Number of the type in Arrow's union, and its table. */
const TYPES = {
  int32: { id: 2, fields: table(int(32), byte(1)) },
  float32: { id: 3, fields: table(short(1)) },
  utf8: { id: 5, fields: EMPTY },
  list: { id: 12, fields: EMPTY },
  struct: { id: 13, fields: EMPTY },
} as const;

/** An Arrow IPC stream with its end mark. */
export function writeArrowStream(fields: readonly NamedField[], batches: readonly Batch[]): Buffer {
  return Buffer.concat([writeSchema(fields), ...batches.flatMap(writeBatch), END]);
}

const END = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

function writeSchema(fields: readonly NamedField[]): Buffer {
  return writeMessage(MESSAGE.schema, table(undefined, ref(tables(fields.map(toField)))), 0);
}

function toField({ name, type }: NamedField): ReturnType<typeof table> {
  const children = type.kind === "struct" ? type.children : type.kind === "list" ? [type.item] : [];
  const { id, fields } = TYPES[type.kind];
  return table(ref(text(name)), byte(1), byte(id), ref(fields), undefined, ref(tables(children.map(toField))));
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

function writeMessage(kind: number, header: ReturnType<typeof table>, bodyLength: number): Buffer {
  const fields: Field[] = [short(VERSION_5), byte(kind), ref(header), long(bodyLength)];
  const metadata = writeRoot(table(...fields));
  const prefix = Buffer.alloc(8, 0xff);
  prefix.writeInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata]);
}
