// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the content of a request (packages/queue/src/sealing: content, reader, tensor-frame). */
final class RecordReader {
  /** What a request holds: tensors from a gateway, or a record of an older client just as that client wrote it. */
  record Request(
      boolean isOlder, String version, List<String> outputs, List<Tensor> inputs, String serde, byte[] data) {}

  static final int TENSORS = 0;
  static final int OLDER = 1;
  static final int FAILURE = 2;
  private static final int MOST_DIMENSIONS = 64;
  private static final double LARGEST_WHOLE = 9_007_199_254_740_991.0;

  private final ByteBuffer buffer;

  private RecordReader(byte[] content) {
    buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Throws RECORD_MALFORMED. */
  static Request read(byte[] content) throws Refusal {
    RecordReader reader = new RecordReader(content);
    return reader.request();
  }

  /** Whether it is a record of an older client. Throws RECORD_MALFORMED. */
  static boolean isOlder(byte[] content) throws Refusal {
    return new RecordReader(content).u8() == OLDER;
  }

  private Request request() throws Refusal {
    int kind = u8();
    if (kind == OLDER) {
      String serde = text();
      byte[] data = new byte[step()];
      buffer.get(data);
      end();
      return new Request(true, "", List.of(), List.of(), serde.isEmpty() ? null : serde, data);
    }
    if (kind != TENSORS) throw malformed("is of an unknown kind");
    String version = text();
    List<String> outputs = new ArrayList<>();
    // Each item takes a byte at least: a count that lies runs out of bytes, not of memory.
    for (long left = u32(); left > 0; left--) outputs.add(text());
    List<Tensor> inputs = new ArrayList<>();
    for (long left = u32(); left > 0; left--) inputs.add(tensor());
    end();
    return new Request(false, version, outputs, inputs, null, null);
  }

  private Tensor tensor() throws Refusal {
    String name = text();
    Datatype datatype = Datatype.of(u8());
    int rank = u8();
    if (datatype == null) throw malformed("has a tensor of an unknown datatype");
    if (rank > MOST_DIMENSIONS) throw malformed("has a tensor of more than " + MOST_DIMENSIONS + " dimensions");
    long[] shape = new long[rank];
    double count = 1;
    for (int at = 0; at < rank; at++) count *= shape[at] = whole();
    if (datatype == Datatype.BYTES) {
      if (count > buffer.remaining()) throw malformed("ends too early");
      byte[][] strings = new byte[(int) count][];
      for (int at = 0; at < strings.length; at++) buffer.get(strings[at] = new byte[step()]);
      return Tensor.ofStrings(name, shape, strings);
    }
    int length = step();
    if (length != count * datatype.width()) throw malformed("has a tensor that does not fit its shape");
    ByteBuffer data = buffer.slice(buffer.position(), length);
    buffer.position(buffer.position() + length);
    return Tensor.ofNumbers(name, datatype, shape, data);
  }

  private int u8() throws Refusal {
    need(1);
    return buffer.get() & 0xff;
  }

  private long u32() throws Refusal {
    need(Integer.BYTES);
    return buffer.getInt() & 0xffff_ffffL;
  }

  private long whole() throws Refusal {
    need(Double.BYTES);
    double value = buffer.getDouble();
    if (value >= 0 && value <= LARGEST_WHOLE && value == Math.rint(value)) return (long) value;
    throw malformed("has a number that is no count");
  }

  private String text() throws Refusal {
    int length = step();
    String text = new String(buffer.array(), buffer.position(), length, StandardCharsets.UTF_8);
    buffer.position(buffer.position() + length);
    return text;
  }

  /** A length, with as many bytes behind it. */
  private int step() throws Refusal {
    long length = u32();
    need(length);
    return (int) length;
  }

  private void need(long count) throws Refusal {
    if (count > buffer.remaining()) throw malformed("ends too early");
  }

  private void end() throws Refusal {
    if (buffer.hasRemaining()) throw malformed("is longer than it says");
  }

  private static Refusal malformed(String what) {
    String message = "The content of a record " + what + ".";
    return new Refusal("RECORD_MALFORMED", message, "look who else writes to the stream");
  }
}
