// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** As much of FlatBuffers as Arrow's metadata needs, for writing: everything forward, parents before their children. */
final class FlatWriter {
  /** Writes one thing and returns where it begins. */
  interface Write {
    int to(FlatWriter writer);
  }

  /** A field of a table: a number of some bytes, or something that lies behind the table; null for its default. */
  record Field(int bytes, long value, Write write) {}

  private static final int FIRST_BYTES = 512;

  private ByteBuffer buffer = ByteBuffer.allocate(FIRST_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private int end;

  private FlatWriter() {}

  static Field number(int bytes, long value) {
    return new Field(bytes, value, null);
  }

  static Field ref(Write write) {
    return new Field(Integer.BYTES, 0, write);
  }

  /** A finished FlatBuffer with this root, padded to 8 bytes. */
  static byte[] root(Write root) {
    FlatWriter writer = new FlatWriter();
    writer.reserve(Integer.BYTES);
    int start = root.to(writer);
    writer.buffer.putInt(0, start);
    writer.align(Long.BYTES);
    byte[] bytes = new byte[writer.end];
    writer.buffer.get(0, bytes);
    return bytes;
  }

  /** A table: its vtable, its fields at their natural alignment, then what they refer to. */
  static Write table(Field... fields) {
    return writer -> {
      writer.align(Short.BYTES);
      int vtable = writer.reserve(2 * Short.BYTES + Short.BYTES * fields.length);
      writer.align(Long.BYTES);
      int start = writer.reserve(Integer.BYTES);
      int[] places = new int[fields.length];
      for (int id = 0; id < fields.length; id++) {
        if (fields[id] == null) continue;
        writer.align(fields[id].bytes());
        places[id] = writer.reserve(fields[id].bytes());
      }
      writer.buffer.putShort(vtable, (short) (2 * Short.BYTES + Short.BYTES * fields.length));
      writer.buffer.putShort(vtable + Short.BYTES, (short) (writer.end - start));
      writer.buffer.putInt(start, start - vtable);
      for (int id = 0; id < fields.length; id++) {
        if (fields[id] == null) continue;
        writer.buffer.putShort(vtable + 2 * Short.BYTES + Short.BYTES * id, (short) (places[id] - start));
        writer.write(fields[id], places[id]);
      }
      return start;
    };
  }

  /** A vector of tables. */
  static Write tables(List<Write> items) {
    return writer -> {
      writer.align(Integer.BYTES);
      int start = writer.reserve(Integer.BYTES + Integer.BYTES * items.size());
      writer.buffer.putInt(start, items.size());
      for (int at = 0; at < items.size(); at++) {
        writer.write(ref(items.get(at)), start + Integer.BYTES + Integer.BYTES * at);
      }
      return start;
    };
  }

  /** A vector of structs of two 64-bit numbers each. */
  static Write pairs(long... numbers) {
    return writer -> {
      writer.align(Long.BYTES);
      // The elements, behind the length, are what must be aligned.
      writer.reserve(Integer.BYTES);
      int start = writer.reserve(Integer.BYTES + Long.BYTES * numbers.length);
      writer.buffer.putInt(start, numbers.length / 2);
      for (int at = 0; at < numbers.length; at++) {
        writer.buffer.putLong(start + Integer.BYTES + Long.BYTES * at, numbers[at]);
      }
      return start;
    };
  }

  static Write text(String value) {
    return writer -> {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      writer.align(Integer.BYTES);
      int start = writer.reserve(Integer.BYTES + bytes.length + 1);
      writer.buffer.putInt(start, bytes.length);
      writer.buffer.put(start + Integer.BYTES, bytes);
      return start;
    };
  }

  private void write(Field field, int at) {
    if (field.write() != null) {
      int target = field.write().to(this);
      buffer.putInt(at, target - at);
      return;
    }
    switch (field.bytes()) {
      case Byte.BYTES -> buffer.put(at, (byte) field.value());
      case Short.BYTES -> buffer.putShort(at, (short) field.value());
      case Integer.BYTES -> buffer.putInt(at, (int) field.value());
      default -> buffer.putLong(at, field.value());
    }
  }

  private void align(int to) {
    reserve((to - end % to) % to);
  }

  private int reserve(int size) {
    int start = end;
    end += size;
    if (end > buffer.capacity()) {
      ByteBuffer grown = ByteBuffer.allocate(Math.max(end, 2 * buffer.capacity())).order(ByteOrder.LITTLE_ENDIAN);
      buffer = grown.put(0, buffer, 0, start);
    }
    return start;
  }
}
