// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A tensor as it stands in a record.
 *
 * @param data little-endian elements, row-major; null for BYTES
 * @param strings the elements of BYTES; null otherwise
 */
record Tensor(String name, Datatype datatype, long[] shape, ByteBuffer data, byte[][] strings) {
  static Tensor ofNumbers(String name, Datatype datatype, long[] shape, ByteBuffer data) {
    return new Tensor(name, datatype, shape, data.order(ByteOrder.LITTLE_ENDIAN), null);
  }

  static Tensor ofStrings(String name, long[] shape, byte[][] strings) {
    return new Tensor(name, Datatype.BYTES, shape, null, strings);
  }

  int elements() {
    return strings == null ? data.remaining() / datatype.width() : strings.length;
  }

  /** Some of its rows, of `total`; numbers stay where they are. */
  Tensor rows(int from, int count, int total) {
    long[] own = shape.clone();
    own[0] = count;
    int width = total == 0 ? 0 : elements() / total;
    if (strings != null) return ofStrings(name, own, Arrays.copyOfRange(strings, from * width, (from + count) * width));
    int bytes = width * datatype.width();
    return ofNumbers(name, datatype, own, data.slice(data.position() + from * bytes, count * bytes));
  }
}
