// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * As much of FlatBuffers (flatbuffers.dev, internals) as Arrow's metadata needs, for reading. Positions are absolute in
 * the buffer; a read behind its end throws an IndexOutOfBoundsException.
 */
record FlatTable(ByteBuffer buffer, int at) {
  /** First element and length of a vector. */
  record Vector(int at, int length) {}

  private static final int FIRST_SLOT = 4;

  static FlatTable root(ByteBuffer buffer) {
    return new FlatTable(buffer, buffer.getInt(0));
  }

  int readByte(int id) {
    int field = find(id);
    return field < 0 ? 0 : buffer.get(field) & 0xff;
  }

  int readShort(int id) {
    int field = find(id);
    return field < 0 ? 0 : buffer.getShort(field);
  }

  int readInt(int id) {
    int field = find(id);
    return field < 0 ? 0 : buffer.getInt(field);
  }

  long readLong(int id) {
    int field = find(id);
    return field < 0 ? 0 : buffer.getLong(field);
  }

  /** Null when it is absent. */
  FlatTable readTable(int id) {
    int field = find(id);
    return field < 0 ? null : new FlatTable(buffer, follow(field));
  }

  Vector readVector(int id) {
    int field = find(id);
    if (field < 0) return new Vector(0, 0);
    int start = follow(field);
    int length = buffer.getInt(start);
    if (length < 0) throw new IndexOutOfBoundsException("a vector without end");
    return new Vector(start + Integer.BYTES, length);
  }

  String readString(int id) {
    Vector vector = readVector(id);
    byte[] bytes = new byte[Math.min(vector.length(), buffer.limit())];
    buffer.get(vector.at(), bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** The tables of a vector of tables, at most so many of them. */
  List<FlatTable> readTables(int id, int most) {
    Vector vector = readVector(id);
    List<FlatTable> tables = new ArrayList<>();
    for (int index = 0; index < Math.min(vector.length(), most); index++) {
      tables.add(new FlatTable(buffer, follow(vector.at() + Integer.BYTES * index)));
    }
    return tables;
  }

  /** Where a field lies; -1 when it has its default. */
  private int find(int id) {
    int vtable = at - buffer.getInt(at);
    int slot = FIRST_SLOT + Short.BYTES * id;
    if (slot >= (buffer.getShort(vtable) & 0xffff)) return -1;
    int offset = buffer.getShort(vtable + slot) & 0xffff;
    return offset == 0 ? -1 : at + offset;
  }

  private int follow(int field) {
    return Math.addExact(field, buffer.getInt(field));
  }
}
