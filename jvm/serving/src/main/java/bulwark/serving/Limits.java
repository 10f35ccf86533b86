// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.Arrays;

/** What a request may hold at most; those of packages/tensors (limits.ts). */
final class Limits {
  static final int TENSORS = 256;
  static final int DIMENSIONS = 16;
  static final long ELEMENTS = 1L << 26;
  /** Of an image. A quarter of what the embedded engine takes: as floats, 192 MiB of a task manager's heap of 512. */
  static final long PIXELS = 1L << 24;

  private Limits() {}

  /**
   * The number of elements of a shape. Throws TENSOR_SHAPE, TENSOR_TOO_LARGE, also where the product would overflow.
   */
  static int count(long[] shape, String tensor) throws Refusal {
    if (shape.length > DIMENSIONS) {
      String message = "Tensor " + Refusal.quote(tensor) + " has " + shape.length + " dimensions; 16 are allowed";
      throw tooLarge(message);
    }
    double count = 1;
    for (long size : shape) {
      if (size < 0) {
        String message = "A dimension of tensor " + Refusal.quote(tensor) + " is not a whole number of 0 or more";
        throw new Refusal("TENSOR_SHAPE", message, "send the real size; -1 stands only in a model's description");
      }
      count *= size;
    }
    // A dimension beyond the limit is refused beside a 0 too, so that no product of dimensions can overflow later.
    if (count <= ELEMENTS && Arrays.stream(shape).allMatch(size -> size <= ELEMENTS)) return (int) count;
    throw tooLarge("Tensor " + Refusal.quote(tensor) + " would have more than the " + ELEMENTS + " elements allowed");
  }

  /** Refuses data that does not fill its shape. Throws TENSOR_SHAPE. */
  static void demandLength(int found, int wanted, String tensor) throws Refusal {
    if (found == wanted) return;
    String message = "Tensor " + Refusal.quote(tensor) + " has " + found + " elements; its shape has " + wanted;
    throw new Refusal("TENSOR_SHAPE", message, "send a shape whose product is the number of elements");
  }

  static Refusal tooLarge(String message) {
    return new Refusal("TENSOR_TOO_LARGE", message, "send less at once, or ask the operator for a higher limit");
  }
}
