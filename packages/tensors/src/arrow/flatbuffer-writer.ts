// SPDX-License-Identifier: Apache-2.0

/** A field of a table: nothing (its default), a number of some bytes, or something that lies behind the table. */
export type Field = undefined | { bytes: 1 | 2 | 4 | 8; value: number } | { write: Write };
/** Writes one thing and returns where it begins. */
type Write = (writer: Writer) => number;

/** A growing buffer with what FlatBuffers needs: everything is written forward, parents before their children. */
export type Writer = { bytes: Buffer; end: number };

export const byte = (value: number): Field => ({ bytes: 1, value });
export const short = (value: number): Field => ({ bytes: 2, value });
export const int = (value: number): Field => ({ bytes: 4, value });
export const long = (value: number): Field => ({ bytes: 8, value });
export const ref = (write: Write): Field => ({ write });

/** A finished FlatBuffer with this root, padded to 8 bytes. */
export function writeRoot(root: Write): Buffer {
  const writer: Writer = { bytes: Buffer.alloc(512), end: 0 };
  reserve(writer, 4);
  const start = root(writer);
  writer.bytes.writeUInt32LE(start, 0);
  align(writer, 8);
  return writer.bytes.subarray(0, writer.end);
}

/** A table: its vtable, its fields at their natural alignment, then what they refer to. */
export function table(...fields: readonly Field[]): Write {
  return (writer) => {
    align(writer, 2);
    const vtable = reserve(writer, 4 + 2 * fields.length);
    align(writer, 8);
    const start = reserve(writer, 4);
    const places = fields.map((field) => {
      if (field === undefined) return 0;
      const size = "bytes" in field ? field.bytes : 4;
      align(writer, size);
      return reserve(writer, size);
    });
    writer.bytes.writeUInt16LE(4 + 2 * fields.length, vtable);
    writer.bytes.writeUInt16LE(writer.end - start, vtable + 2);
    writer.bytes.writeInt32LE(start - vtable, start);
    for (const [id, place] of places.entries()) {
      if (place !== 0) writer.bytes.writeUInt16LE(place - start, vtable + 4 + 2 * id);
      writeField(writer, fields[id], place);
    }
    return start;
  };
}

/** A vector of tables. */
export function tables(items: readonly Write[]): Write {
  return (writer) => {
    align(writer, 4);
    const start = reserve(writer, 4 + 4 * items.length);
    writer.bytes.writeUInt32LE(items.length, start);
    for (const [index, write] of items.entries()) writeField(writer, { write }, start + 4 + 4 * index);
    return start;
  };
}

/** A vector of structs that hold nothing but 64-bit numbers: `numbers` is all of them, `width` how many make a struct. */
export function structs(numbers: readonly number[], width: number): Write {
  return (writer) => {
    align(writer, 8);
    // The elements, behind the length, are what must be aligned.
    reserve(writer, 4);
    const start = reserve(writer, 4 + 8 * numbers.length);
    writer.bytes.writeUInt32LE(numbers.length / width, start);
    for (const [index, value] of numbers.entries()) {
      writer.bytes.writeBigInt64LE(BigInt(value), start + 4 + 8 * index);
    }
    return start;
  };
}

export function text(value: string): Write {
  return (writer) => {
    const bytes = Buffer.from(value, "utf8");
    align(writer, 4);
    const start = reserve(writer, 4 + bytes.length + 1);
    writer.bytes.writeUInt32LE(bytes.length, start);
    bytes.copy(writer.bytes, start + 4);
    return start;
  };
}

function writeField(writer: Writer, field: Field, at: number): void {
  if (field === undefined) return;
  if ("write" in field) {
    const target = field.write(writer);
    writer.bytes.writeUInt32LE(target - at, at);
  } else if (field.bytes === 8) writer.bytes.writeBigInt64LE(BigInt(field.value), at);
  else writer.bytes.writeIntLE(field.value, at, field.bytes);
}

function align(writer: Writer, to: number): void {
  reserve(writer, (to - (writer.end % to)) % to);
}

function reserve(writer: Writer, size: number): number {
  const start = writer.end;
  writer.end += size;
  if (writer.end > writer.bytes.length) {
    const grown = Buffer.alloc(Math.max(writer.end, 2 * writer.bytes.length));
    writer.bytes.copy(grown);
    writer.bytes = grown;
  }
  return start;
}
