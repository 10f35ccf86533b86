// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static bulwark.serving.FlatWriter.number;
import static bulwark.serving.FlatWriter.pairs;
import static bulwark.serving.FlatWriter.ref;
import static bulwark.serving.FlatWriter.table;
import static bulwark.serving.FlatWriter.tables;
import static bulwark.serving.FlatWriter.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Writes results as older clients read them: base64 of an Arrow stream with a batch for each output, elements beside
 * dimensions, nulls below the last dimension. Everything becomes single precision, since the form has nothing else.
 * Byte by byte what packages/tensors writes (bigdl/result.ts).
 */
final class OlderResult {
  private static final int VERSION_5 = 4;
  private static final int SCHEMA = 1;
  private static final int RECORD_BATCH = 3;
  private static final FlatWriter.Write NO_CHILDREN = tables(List.of());
  private static final byte[] HEAD =
      message(SCHEMA, table(null, ref(tables(List.of(
          field("data", 3, table(number(Short.BYTES, 1))),
          field("shape", 2, table(number(Integer.BYTES, 32), number(Byte.BYTES, 1))))))), 0);
  private static final byte[] END = {-1, -1, -1, -1, 0, 0, 0, 0};

  private OlderResult() {}

  /** Throws TENSOR_DATATYPE for strings. */
  static String encode(List<Tensor> outputs) throws Refusal {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    stream.writeBytes(HEAD);
    for (Tensor output : outputs) writeBatch(stream, output);
    stream.writeBytes(END);
    return Base64.getEncoder().encodeToString(stream.toByteArray());
  }

  /** The elements of an output as single-precision floats. Throws TENSOR_DATATYPE for strings. */
  static float[] toSingles(Tensor output) throws Refusal {
    if (output.strings() != null) {
      String message = "Output " + Refusal.quote(output.name()) + " holds strings, which the older format cannot carry";
      throw new Refusal("TENSOR_DATATYPE", message, "ask for it by the Open Inference Protocol");
    }
    float[] singles = new float[output.elements()];
    if (output.datatype() == Datatype.FP32) {
      output.data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(singles);
      return singles;
    }
    double[] values = Numbers.toDoubles(output);
    for (int at = 0; at < values.length; at++) singles[at] = (float) values[at];
    return singles;
  }

  private static void writeBatch(ByteArrayOutputStream stream, Tensor output) throws Refusal {
    float[] values = toSingles(output);
    int rows = values.length;
    long[] dimensions = Arrays.copyOf(output.shape(), Math.min(rows, output.shape().length));
    int numbers = rows * Integer.BYTES;
    int validity = (rows + 7) / 8;
    int numbersEnd = padded(numbers);
    int validityEnd = numbersEnd + padded(validity);
    ByteBuffer body = ByteBuffer.allocate(validityEnd + numbersEnd).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < rows; at++) body.putFloat(at * Float.BYTES, values[at]);
    for (int at = 0; at < dimensions.length; at++) {
      int place = numbersEnd + at / 8;
      body.put(place, (byte) (body.get(place) | 1 << at % 8));
      body.putInt(validityEnd + at * Integer.BYTES, (int) dimensions[at]);
    }
    FlatWriter.Write header =
        table(
            number(Long.BYTES, rows),
            ref(pairs(rows, 0, rows, rows - dimensions.length)),
            ref(pairs(0, 0, 0, numbers, numbersEnd, validity, validityEnd, numbers)));
    stream.writeBytes(message(RECORD_BATCH, header, body.capacity()));
    stream.writeBytes(body.array());
  }

  private static FlatWriter.Write field(String name, int type, FlatWriter.Write fields) {
    return table(
        ref(text(name)), number(Byte.BYTES, 1), number(Byte.BYTES, type), ref(fields), null, ref(NO_CHILDREN));
  }

  private static byte[] message(int kind, FlatWriter.Write header, long bodyLength) {
    byte[] metadata =
        FlatWriter.root(
            table(
                number(Short.BYTES, VERSION_5), number(Byte.BYTES, kind), ref(header), number(Long.BYTES, bodyLength)));
    ByteBuffer whole = ByteBuffer.allocate(2 * Integer.BYTES + metadata.length).order(ByteOrder.LITTLE_ENDIAN);
    return whole.putInt(-1).putInt(metadata.length).put(metadata).array();
  }

  private static int padded(int length) {
    return (length + 7) / 8 * 8;
  }
}
