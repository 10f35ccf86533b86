// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.Arrays;

/** An input or output as a model describes it; -1 stands for a dimension that may be any. */
record TensorInfo(String name, Datatype datatype, long[] shape) {
  boolean fits(long[] given) {
    if (given.length != shape.length) return false;
    for (int at = 0; at < shape.length; at++) if (shape[at] != -1 && shape[at] != given[at]) return false;
    return true;
  }

  /** Whether a dimension behind the first may be any. */
  boolean isFreeWithinRow() {
    return Arrays.stream(shape).skip(1).anyMatch(size -> size == -1);
  }
}
