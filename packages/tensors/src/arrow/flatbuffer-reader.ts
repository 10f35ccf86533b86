// SPDX-License-Identifier: Apache-2.0

/**
 * As much of FlatBuffers (flatbuffers.dev, internals) as Arrow's metadata needs, for reading. Positions are absolute in
 * the view; offsets in FlatBuffers only point forward, and a read behind the end throws a RangeError.
 */
export type Table = { readonly view: DataView; readonly at: number };

export function readRoot(view: DataView): Table {
  return { view, at: view.getUint32(0, true) };
}

/** Where field `id` of a table lies; undefined when it has its default. */
export function findField({ view, at }: Table, id: number): number | undefined {
  const vtable = at - view.getInt32(at, true);
  const slot = 4 + 2 * id;
  if (slot >= view.getUint16(vtable, true)) return undefined;
  const offset = view.getUint16(vtable + slot, true);
  return offset === 0 ? undefined : at + offset;
}

export function readByte(table: Table, id: number): number {
  const at = findField(table, id);
  return at === undefined ? 0 : table.view.getUint8(at);
}

export function readShort(table: Table, id: number): number {
  const at = findField(table, id);
  return at === undefined ? 0 : table.view.getInt16(at, true);
}

export function readInt(table: Table, id: number): number {
  const at = findField(table, id);
  return at === undefined ? 0 : table.view.getInt32(at, true);
}

export function readLong(table: Table, id: number): number {
  const at = findField(table, id);
  return at === undefined ? 0 : Number(table.view.getBigInt64(at, true));
}

export function readTable(table: Table, id: number): Table | undefined {
  const at = findField(table, id);
  return at === undefined ? undefined : follow(table.view, at);
}

/** First element and length of a vector. */
export function readVector(table: Table, id: number): { at: number; length: number } {
  const field = findField(table, id);
  if (field === undefined) return { at: 0, length: 0 };
  const { at } = follow(table.view, field);
  return { at: at + 4, length: table.view.getUint32(at, true) };
}

export function readString(table: Table, id: number): string {
  const { at, length } = readVector(table, id);
  const { buffer, byteOffset, byteLength } = table.view;
  if (at + length > byteLength) throw new RangeError("string behind the end");
  return Buffer.from(buffer, byteOffset + at, length).toString("utf8");
}

/** The tables of a vector of tables. */
export function* readTables(table: Table, id: number): Generator<Table> {
  const { at, length } = readVector(table, id);
  for (let index = 0; index < length; index++) yield follow(table.view, at + 4 * index);
}

function follow(view: DataView, at: number): Table {
  return { view, at: at + view.getUint32(at, true) };
}
