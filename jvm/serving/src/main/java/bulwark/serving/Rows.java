// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Puts rows of several requests into one run of a model, and gives each its own back (packages/inference, rows.ts). */
final class Rows {
  private Rows() {}

  /** Inputs of several requests as those of one: rows under each other, in the requests' order. */
  static List<Tensor> join(List<List<Tensor>> requests) {
    if (requests.size() == 1) return requests.get(0);
    List<Tensor> joined = new ArrayList<>();
    for (int input = 0; input < requests.get(0).size(); input++) joined.add(joinOne(requests, input));
    return joined;
  }

  /**
   * The outputs of one run by its requests. Null when one has not a row for each that went in: nobody may get
   * another's.
   */
  static List<List<Tensor>> split(List<Tensor> outputs, int[] rows) {
    int total = 0;
    for (int count : rows) total += count;
    for (Tensor output : outputs) if (output.shape().length == 0 || output.shape()[0] != total) return null;
    List<List<Tensor>> parts = new ArrayList<>();
    int from = 0;
    for (int count : rows) {
      List<Tensor> own = new ArrayList<>();
      for (Tensor output : outputs) own.add(output.rows(from, count, total));
      parts.add(own);
      from += count;
    }
    return parts;
  }

  private static Tensor joinOne(List<List<Tensor>> requests, int input) {
    Tensor first = requests.get(0).get(input);
    List<Tensor> parts = requests.stream().map(inputs -> inputs.get(input)).toList();
    long[] shape = first.shape().clone();
    shape[0] = parts.stream().mapToLong(part -> part.shape()[0]).sum();
    if (first.strings() != null) {
      byte[][] strings = parts.stream().flatMap(part -> Stream.of(part.strings())).toArray(byte[][]::new);
      return Tensor.ofStrings(first.name(), shape, strings);
    }
    ByteBuffer data = ByteBuffer.allocate(parts.stream().mapToInt(part -> part.data().remaining()).sum());
    for (Tensor part : parts) data.put(part.data().duplicate());
    return Tensor.ofNumbers(first.name(), first.datatype(), shape, data.flip());
  }
}
