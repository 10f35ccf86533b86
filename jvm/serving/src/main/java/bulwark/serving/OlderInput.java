// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An input of an older client. What a text is, an image or strings joined with pipes, only the model knows. */
sealed interface OlderInput {
  record Dense(Tensor tensor) implements OlderInput {}

  record Text(String name, String text) implements OlderInput {}

  /**
   * The dense tensor of a sparse one. Throws TENSOR_SHAPE.
   *
   * @param indicesShape dimensions by values, or values by dimensions; dimensions first where they are as many
   */
  static Dense ofSparse(String name, long[] shape, long[] indices, long[] indicesShape, double[] values)
      throws Refusal {
    int total = values.length;
    int rank = shape.length;
    boolean isByDimension = isShape(indicesShape, rank, total);
    if (indices.length != rank * total || !(isByDimension || isShape(indicesShape, total, rank))) {
      String message = "The indices of sparse tensor " + Refusal.quote(name) + " do not fit its " + total + " values";
      throw new Refusal("TENSOR_SHAPE", message, "send indices of shape [dimensions, values]");
    }
    ByteBuffer data = ByteBuffer.allocate(Limits.count(shape, name) * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < total; at++) {
      int place = 0;
      for (int dimension = 0; dimension < rank; dimension++) {
        long step = indices[isByDimension ? dimension * total + at : at * rank + dimension];
        if (step < 0 || step >= shape[dimension]) {
          String message = "An index of sparse tensor " + Refusal.quote(name) + " is outside its shape";
          throw new Refusal("TENSOR_SHAPE", message, "send indices that are within the shape");
        }
        place = (int) (place * shape[dimension] + step);
      }
      data.putFloat(place * Float.BYTES, (float) values[at]);
    }
    return new Dense(Tensor.ofNumbers(name, Datatype.FP32, shape, data));
  }

  private static boolean isShape(long[] shape, int first, int second) {
    return shape.length >= 2 && shape[0] == first && shape[1] == second;
  }
}
