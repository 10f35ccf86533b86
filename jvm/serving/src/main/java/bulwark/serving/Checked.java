// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Inputs that fit their model, in its order (packages/inference, check-inputs.ts).
 *
 * @param rows along the first dimension; 1 for models that take no batches
 * @param key requests of the same key have the same shapes but for their rows
 */
record Checked(List<Tensor> inputs, int rows, String key) {
  private static final String MEND = "send what the model's metadata asks for: GET v2/models/NAME";
  private static final int FP16_INFINITE = 0x7c00;

  /** Throws TENSOR_MISSING, TENSOR_UNKNOWN, TENSOR_DATATYPE, TENSOR_SHAPE, TENSOR_VALUE. */
  static Checked check(List<Tensor> given, Model model) throws Refusal {
    List<Tensor> inputs = new ArrayList<>();
    for (TensorInfo info : model.inputs()) inputs.add(checkOne(find(given, info.name()), info, model.settings()));
    if (given.size() > inputs.size()) throw unknownInput(given, model);
    if (!model.isBatched()) return new Checked(inputs, 1, "");
    long rows = inputs.get(0).shape()[0];
    StringBuilder key = new StringBuilder();
    for (int at = 0; at < inputs.size(); at++) {
      long[] shape = inputs.get(at).shape();
      if (shape[0] != rows) {
        throw refuse("TENSOR_SHAPE", named(inputs.get(at)) + " has " + shape[0] + " rows, others have " + rows);
      }
      // Sizes that the model fixes are the same for everybody.
      if (model.inputs().get(at).isFreeWithinRow()) {
        key.append(Arrays.toString(Arrays.copyOfRange(shape, 1, shape.length)));
      }
    }
    return new Checked(inputs, (int) rows, key.toString());
  }

  /** Refuses names of outputs that the model does not have. Throws TENSOR_UNKNOWN. */
  static void checkOutputs(List<String> names, Model model) throws Refusal {
    for (String name : names) {
      if (model.outputs().stream().noneMatch(output -> output.name().equals(name))) {
        throw refuse("TENSOR_UNKNOWN", "The model has no output " + Refusal.quote(name));
      }
    }
  }

  private static Tensor find(List<Tensor> given, String name) throws Refusal {
    for (Tensor input : given) if (input.name().equals(name)) return input;
    throw refuse("TENSOR_MISSING", "The input " + Refusal.quote(name) + " is missing");
  }

  private static Refusal unknownInput(List<Tensor> given, Model model) {
    for (Tensor input : given) {
      if (model.inputs().stream().noneMatch(info -> info.name().equals(input.name()))) {
        return refuse("TENSOR_UNKNOWN", "The model has no input " + Refusal.quote(input.name()));
      }
    }
    return refuse("TENSOR_UNKNOWN", "An input is given twice");
  }

  private static Tensor checkOne(Tensor input, TensorInfo info, ModelSettings settings) throws Refusal {
    if (input.datatype() != info.datatype()) {
      String message = named(input) + " is " + input.datatype() + "; the model takes " + info.datatype();
      throw refuse("TENSOR_DATATYPE", message);
    }
    if (!info.fits(input.shape())) {
      String shape = Arrays.toString(input.shape());
      String message = named(input) + " has shape " + shape + "; the model takes " + Arrays.toString(info.shape());
      throw refuse("TENSOR_SHAPE", message);
    }
    if (settings.nonFinite.equals("refuse") && input.datatype().isFloating() && hasNonFinite(input)) {
      String mend = "send other values, or set nonFinite: allow for the model";
      throw new Refusal("TENSOR_VALUE", named(input) + " holds NaN or an infinity", mend);
    }
    if (input.strings() != null && !isText(input.strings())) {
      throw refuse("TENSOR_VALUE", named(input) + " holds bytes that are no UTF-8, which the engine takes alone");
    }
    return input;
  }

  private static boolean hasNonFinite(Tensor input) {
    ByteBuffer data = input.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    switch (input.datatype()) {
      case FP32 -> {
        while (data.hasRemaining()) if (!Float.isFinite(data.getFloat())) return true;
      }
      case FP64 -> {
        while (data.hasRemaining()) if (!Double.isFinite(data.getDouble())) return true;
      }
      default -> {
        while (data.hasRemaining()) if ((data.getShort() & FP16_INFINITE) == FP16_INFINITE) return true;
      }
    }
    return false;
  }

  private static boolean isText(byte[][] strings) {
    try {
      for (byte[] bytes : strings) StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException other) {
      return false;
    }
  }

  private static String named(Tensor input) {
    return "Input " + Refusal.quote(input.name());
  }

  private static Refusal refuse(String code, String message) {
    return new Refusal(code, message, MEND);
  }
}
