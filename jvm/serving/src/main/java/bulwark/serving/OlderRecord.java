// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Reads what an older client wrote: base64 of an Arrow stream whose columns are the inputs, or the JSON body of its
 * HTTP surface (packages/tensors, bigdl). A tensor is a struct of four lists, found by name; which row holds which
 * list differs between its writers, so rows are left alone.
 */
final class OlderRecord {
  private static final String JSON = "stream";

  private OlderRecord() {}

  /** Throws RECORD_MALFORMED, TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE, TENSOR_VALUE. */
  static List<OlderInput> read(String serde, byte[] data) throws Refusal {
    if (JSON.equals(serde)) return OlderJson.read(data);
    if (serde != null) {
      String message = "The record's form " + Refusal.quote(serde) + " is not known.";
      throw new Refusal("RECORD_MALFORMED", message, "use stream");
    }
    List<OlderInput> inputs = new ArrayList<>();
    for (ArrowColumn column : ArrowReader.read(decode(data))) inputs.add(readInput(column));
    return inputs;
  }

  private static byte[] decode(byte[] data) throws Refusal {
    try {
      return Base64.getMimeDecoder().decode(data);
    } catch (IllegalArgumentException noBase64) {
      throw malformed("The record is no base64");
    }
  }

  private static OlderInput readInput(ArrowColumn column) throws Refusal {
    String name = column.name();
    if (column instanceof ArrowColumn.Struct struct) return readStruct(struct);
    if (column instanceof ArrowColumn.Texts texts) {
      if (texts.values().isEmpty()) throw malformed("Column " + Refusal.quote(name) + " is empty");
      return new OlderInput.Text(name, new String(texts.values().get(0), StandardCharsets.UTF_8));
    }
    if (column instanceof ArrowColumn.Values values) {
      long[] shape = {values.rows()};
      Limits.count(shape, name);
      return new OlderInput.Dense(Tensor.ofNumbers(name, values.datatype(), shape, values.values()));
    }
    throw malformed("Column " + Refusal.quote(name) + " is a bare list");
  }

  private static OlderInput readStruct(ArrowColumn.Struct struct) throws Refusal {
    String name = struct.name();
    long[] shape = readWhole(struct, "shape");
    int count = Limits.count(shape, name);
    ArrowColumn data = findItem(struct, "data");
    if (data instanceof ArrowColumn.Texts texts) {
      Limits.demandLength(texts.values().size(), count, name);
      return new OlderInput.Dense(Tensor.ofStrings(name, shape, texts.values().toArray(byte[][]::new)));
    }
    if (!(data instanceof ArrowColumn.Values values)) {
      throw malformed("Column " + Refusal.quote(name) + " has no list called data");
    }
    Tensor flat = Tensor.ofNumbers(name, values.datatype(), new long[] {values.rows()}, values.values());
    long[] indices = readWhole(struct, "indiceData");
    if (indices.length > 0) {
      long[] indicesShape = readWhole(struct, "indiceShape");
      return OlderInput.ofSparse(name, shape, indices, indicesShape, Numbers.toDoubles(flat));
    }
    Limits.demandLength(values.rows(), count, name);
    return new OlderInput.Dense(Tensor.ofNumbers(name, values.datatype(), shape, values.values()));
  }

  private static long[] readWhole(ArrowColumn.Struct struct, String child) {
    if (!(findItem(struct, child) instanceof ArrowColumn.Values values)) return new long[0];
    long[] shape = {values.rows()};
    Tensor numbers = Tensor.ofNumbers(child, values.datatype(), shape, values.values());
    return Arrays.stream(Numbers.toDoubles(numbers)).mapToLong(value -> (long) value).toArray();
  }

  private static ArrowColumn findItem(ArrowColumn.Struct struct, String child) {
    for (ArrowColumn column : struct.children()) {
      if (column instanceof ArrowColumn.Items items && items.name().equals(child)) return items.item();
    }
    return null;
  }

  private static Refusal malformed(String message) {
    String mend = "send what the Open Inference Protocol v2, or the older client, would send";
    return new Refusal("TENSOR_MALFORMED", message, mend);
  }
}
