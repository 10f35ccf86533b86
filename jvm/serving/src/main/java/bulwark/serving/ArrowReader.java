// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Reads the first batch of an Arrow IPC stream (arrow.apache.org, Columnar format, "Encapsulated message format"), the
 * only one that counted in the older server; the others are looked at for their form. Dictionaries, compression and big
 * endian are refused, as in packages/tensors (stream-reader.ts).
 */
final class ArrowReader {
  private static final int SCHEMA = 1;
  private static final int RECORD_BATCH = 3;
  private static final int CONTINUATION = -1;
  private static final int INT = 2;
  private static final int FLOATING_POINT = 3;
  private static final int BINARY = 4;
  private static final int UTF8 = 5;
  private static final int LIST = 12;
  private static final int STRUCT = 13;
  private static final List<Datatype> FLOATS = List.of(Datatype.FP16, Datatype.FP32, Datatype.FP64);
  /** A struct of lists of numbers: nothing that older clients send is deeper. */
  private static final int DEEPEST = 3;
  private static final int STRUCT_BYTES = 16;

  /** What a column is of. */
  private record Type(String name, int kind, Datatype datatype, List<Type> children) {}

  /** Field nodes and buffers come in the order of the fields, depth first. */
  private static final class Cursor {
    final FlatTable.Vector nodes;
    final FlatTable.Vector buffers;
    final ByteBuffer metadata;
    final ByteBuffer body;
    int node;
    int buffer;

    Cursor(FlatTable batch, ByteBuffer body) {
      this.nodes = batch.readVector(1);
      this.buffers = batch.readVector(2);
      this.metadata = batch.buffer();
      this.body = body;
    }
  }

  private ArrowReader() {}

  /** Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE. */
  static List<ArrowColumn> read(byte[] stream) throws Refusal {
    try {
      return readMessages(ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN));
    } catch (IndexOutOfBoundsException | ArithmeticException | IllegalArgumentException end) {
      throw malformed("ends too early");
    }
  }

  private static List<ArrowColumn> readMessages(ByteBuffer bytes) throws Refusal {
    List<Type> schema = null;
    List<ArrowColumn> first = null;
    int batches = 0;
    for (int at = 0; at + Integer.BYTES <= bytes.limit(); ) {
      // Streams before Arrow 0.15 have no continuation marker.
      if (bytes.getInt(at) == CONTINUATION) at += Integer.BYTES;
      int size = bytes.getInt(at);
      if (size == 0) break;
      at += Integer.BYTES;
      FlatTable message = FlatTable.root(slice(bytes, at, size));
      at += size;
      int bodyLength = Math.toIntExact(message.readLong(3));
      ByteBuffer body = slice(bytes, at, bodyLength);
      at += bodyLength;
      FlatTable header = message.readTable(2);
      if (header == null) throw malformed("has a message without a header");
      int kind = message.readByte(1);
      if (kind == SCHEMA) schema = readSchema(header);
      else if (kind == RECORD_BATCH && schema != null) {
        List<ArrowColumn> batch = readBatch(header, schema, body);
        if (first == null) first = batch;
        if (++batches > Limits.TENSORS) throw Limits.tooLarge("The Arrow stream has too many batches");
      } else throw malformed("has a message that does not belong there");
    }
    if (first == null) throw malformed("has no batch");
    return first;
  }

  private static List<Type> readSchema(FlatTable schema) throws Refusal {
    if (schema.readShort(0) != 0) throw malformed("is big endian");
    List<Type> columns = new ArrayList<>();
    for (FlatTable field : schema.readTables(1, Limits.TENSORS + 1)) columns.add(readField(field, 1));
    if (columns.size() > Limits.TENSORS) throw Limits.tooLarge("The Arrow stream has too many columns");
    return columns;
  }

  private static Type readField(FlatTable field, int depth) throws Refusal {
    String name = field.readString(0);
    int kind = field.readByte(2);
    FlatTable type = field.readTable(3);
    if (field.readTable(4) != null) throw malformed("uses a dictionary");
    if (kind == UTF8 || kind == BINARY) return new Type(name, UTF8, null, List.of());
    if (kind == STRUCT || kind == LIST) {
      if (depth == DEEPEST) throw malformed("nests deeper than a struct of lists");
      List<Type> children = new ArrayList<>();
      for (FlatTable child : field.readTables(5, Limits.TENSORS)) children.add(readField(child, depth + 1));
      if (kind == STRUCT || !children.isEmpty()) return new Type(name, kind, null, children);
    }
    Datatype datatype = type == null ? null : readDatatype(kind, type);
    if (datatype != null) return new Type(name, INT, datatype, List.of());
    throw malformed("has a column of type " + kind + ", which no request has");
  }

  private static Datatype readDatatype(int kind, FlatTable type) {
    if (kind == FLOATING_POINT) {
      int precision = type.readShort(0);
      return precision >= 0 && precision < FLOATS.size() ? FLOATS.get(precision) : null;
    }
    if (kind != INT) return null;
    String name = (type.readByte(1) == 0 ? "U" : "") + "INT" + type.readInt(0);
    for (Datatype datatype : Datatype.values()) if (datatype.name().equals(name)) return datatype;
    return null;
  }

  private static List<ArrowColumn> readBatch(FlatTable batch, List<Type> schema, ByteBuffer body) throws Refusal {
    if (batch.readTable(3) != null) throw malformed("is compressed");
    Cursor cursor = new Cursor(batch, body);
    List<ArrowColumn> columns = new ArrayList<>();
    for (Type type : schema) columns.add(readColumn(type, cursor));
    return columns;
  }

  private static ArrowColumn readColumn(Type type, Cursor cursor) {
    int rows = nextRows(cursor);
    // Which rows are null.
    nextBuffer(cursor);
    switch (type.kind()) {
      case STRUCT -> {
        List<ArrowColumn> children = new ArrayList<>();
        for (Type child : type.children()) children.add(readColumn(child, cursor));
        return new ArrowColumn.Struct(type.name(), children);
      }
      case LIST -> {
        nextBuffer(cursor);
        return new ArrowColumn.Items(type.name(), readColumn(type.children().get(0), cursor));
      }
      case UTF8 -> {
        ByteBuffer offsets = nextBuffer(cursor);
        return new ArrowColumn.Texts(type.name(), readTexts(rows, offsets, nextBuffer(cursor)));
      }
      default -> {
        ByteBuffer values = slice(nextBuffer(cursor), 0, Math.multiplyExact(rows, type.datatype().width()));
        return new ArrowColumn.Values(type.name(), type.datatype(), rows, values);
      }
    }
  }

  private static List<byte[]> readTexts(int rows, ByteBuffer offsets, ByteBuffer bytes) {
    List<byte[]> texts = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int from = offsets.getInt(Integer.BYTES * row);
      int to = offsets.getInt(Integer.BYTES * (row + 1));
      Objects.checkFromToIndex(from, to, bytes.limit());
      byte[] text = new byte[to - from];
      bytes.get(from, text);
      texts.add(text);
    }
    return texts;
  }

  private static int nextRows(Cursor cursor) {
    if (cursor.node >= cursor.nodes.length()) throw new IndexOutOfBoundsException("field node behind the end");
    long rows = cursor.metadata.getLong(cursor.nodes.at() + STRUCT_BYTES * cursor.node++);
    // No row is without a bit in the body, but for those of structs.
    if (rows < 0 || rows > 8L * cursor.body.limit()) throw new IndexOutOfBoundsException("rows behind the end");
    return Math.toIntExact(rows);
  }

  private static ByteBuffer nextBuffer(Cursor cursor) {
    if (cursor.buffer >= cursor.buffers.length()) throw new IndexOutOfBoundsException("buffer behind the end");
    int at = cursor.buffers.at() + STRUCT_BYTES * cursor.buffer++;
    int offset = Math.toIntExact(cursor.metadata.getLong(at));
    return slice(cursor.body, offset, Math.toIntExact(cursor.metadata.getLong(at + Long.BYTES)));
  }

  private static ByteBuffer slice(ByteBuffer bytes, int at, int size) {
    return bytes.slice(at, size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Refusal malformed(String what) {
    String mend = "send what the Open Inference Protocol v2, or the older client, would send";
    return new Refusal("TENSOR_MALFORMED", "The Arrow stream " + what, mend);
  }
}
