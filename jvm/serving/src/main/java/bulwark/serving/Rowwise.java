// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import ai.onnxruntime.platform.Fp16Conversions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Whether a model computes each row from that row alone. A free first dimension does not say so: it may be a
 * sequence, or be summed over. So two different rows are run one by one and together, and must give the same
 * (packages/inference, rowwise.ts).
 */
final class Rowwise {
  /** Rounding differs between batches of different sizes; what depends on another row differs by far more. */
  private static final double TOLERANCE = 1e-3;

  private Rowwise() {}

  /** Throws MODEL_FAILED where the model fails on numbers between 0 and 1. */
  static boolean isRowwise(Model model) throws Refusal {
    if (!hasFreeRows(model)) return false;
    List<List<Tensor>> rows = new ArrayList<>();
    List<List<Tensor>> alone = new ArrayList<>();
    for (int seed = 1; seed <= 2; seed++) {
      List<Tensor> inputs = new ArrayList<>();
      for (TensorInfo info : model.inputs()) inputs.add(make(info, seed));
      rows.add(inputs);
      alone.add(model.run(inputs));
    }
    List<List<Tensor>> together = Rows.split(model.run(Rows.join(rows)), new int[] {1, 1});
    if (together == null) return false;
    for (int row = 0; row < alone.size(); row++) if (!areClose(together.get(row), alone.get(row))) return false;
    return true;
  }

  private static boolean hasFreeRows(Model model) {
    if (model.inputs().isEmpty()) return false;
    return Stream.concat(model.inputs().stream(), model.outputs().stream())
        .allMatch(info -> info.shape().length > 0 && info.shape()[0] == -1);
  }

  /** An input that fits: 1 for every free dimension, values between 0 and 1 that differ by seed. */
  private static Tensor make(TensorInfo info, int seed) {
    long[] shape = Arrays.stream(info.shape()).map(size -> size == -1 ? 1 : size).toArray();
    int count = (int) Arrays.stream(shape).reduce(1, (product, size) -> product * size);
    long state = seed;
    byte[][] strings = new byte[info.datatype() == Datatype.BYTES ? count : 0][];
    ByteBuffer data = ByteBuffer.allocate(count * info.datatype().width()).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < count; at++) {
      state = (state * 1_103_515_245L + 12_345) % 2_147_483_648L;
      double value = state / 2_147_483_648.0;
      switch (info.datatype()) {
        case BYTES -> strings[at] = Long.toString(Math.round(value)).getBytes(StandardCharsets.UTF_8);
        case FP16 -> data.putShort(Fp16Conversions.floatToFp16((float) value));
        case FP32 -> data.putFloat((float) value);
        case FP64 -> data.putDouble(value);
        default -> Numbers.putWhole(data, info.datatype(), Math.round(value));
      }
    }
    if (info.datatype() == Datatype.BYTES) return Tensor.ofStrings(info.name(), shape, strings);
    return Tensor.ofNumbers(info.name(), info.datatype(), shape, data.flip());
  }

  private static boolean areClose(List<Tensor> some, List<Tensor> others) {
    for (int at = 0; at < some.size(); at++) {
      Tensor one = some.get(at);
      Tensor other = others.get(at);
      if (!Arrays.equals(one.shape(), other.shape())) return false;
      if (one.strings() != null) {
        if (!Arrays.deepEquals(one.strings(), other.strings())) return false;
        continue;
      }
      double[] values = Numbers.toDoubles(one);
      double[] wanted = Numbers.toDoubles(other);
      for (int place = 0; place < values.length; place++) if (!isClose(values[place], wanted[place])) return false;
    }
    return true;
  }

  private static boolean isClose(double a, double b) {
    return Double.compare(a, b) == 0 || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a));
  }
}
