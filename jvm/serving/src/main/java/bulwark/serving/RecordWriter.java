// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Writes the content of a result (packages/queue/src/sealing: content, writer, tensor-frame). */
final class RecordWriter {
  private static final int FIRST_BYTES = 512;

  private ByteBuffer buffer = ByteBuffer.allocate(FIRST_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private RecordWriter() {}

  static byte[] tensors(String model, String version, List<Tensor> outputs) {
    RecordWriter writer = new RecordWriter().u8(RecordReader.TENSORS).text(model).text(version).u32(outputs.size());
    for (Tensor output : outputs) writer.tensor(output);
    return writer.end();
  }

  /** The value that an older client reads, as it is. */
  static byte[] older(byte[] value) {
    return new RecordWriter().u8(RecordReader.OLDER).bytes(ByteBuffer.wrap(value)).end();
  }

  static byte[] failure(Refusal refusal) {
    RecordWriter writer = new RecordWriter().u8(RecordReader.FAILURE);
    return writer.text(refusal.code()).text(refusal.getMessage()).text(refusal.mend()).end();
  }

  private void tensor(Tensor tensor) {
    text(tensor.name()).u8(tensor.datatype().ordinal()).u8(tensor.shape().length);
    for (long dimension : tensor.shape()) reserve(Double.BYTES).putDouble(dimension);
    if (tensor.strings() == null) bytes(tensor.data().duplicate());
    else for (byte[] element : tensor.strings()) bytes(ByteBuffer.wrap(element));
  }

  private RecordWriter u8(int value) {
    reserve(1).put((byte) value);
    return this;
  }

  private RecordWriter u32(int value) {
    reserve(Integer.BYTES).putInt(value);
    return this;
  }

  private RecordWriter text(String value) {
    return bytes(ByteBuffer.wrap(value.getBytes(StandardCharsets.UTF_8)));
  }

  private RecordWriter bytes(ByteBuffer value) {
    u32(value.remaining());
    reserve(value.remaining()).put(value);
    return this;
  }

  private ByteBuffer reserve(int count) {
    if (buffer.remaining() < count) {
      int size = Math.max(buffer.capacity() * 2, buffer.position() + count);
      buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
    }
    return buffer;
  }

  private byte[] end() {
    return Arrays.copyOf(buffer.array(), buffer.position());
  }
}
