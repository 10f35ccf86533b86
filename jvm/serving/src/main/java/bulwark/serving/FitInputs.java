// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Inputs of an older client as a model takes them: by position, since the older server did not look at names;
 * numbers in the model's datatype; images and strings from texts; with a leading dimension of 1 where the model has
 * one more.
 */
final class FitInputs {
  private FitInputs() {}

  /**
   * @throws Refusal TENSOR_MISSING, TENSOR_UNKNOWN, TENSOR_VALUE, TENSOR_DATATYPE, IMAGE_UNREADABLE
   */
  static List<Tensor> fit(List<OlderInput> inputs, List<TensorInfo> infos, Fitting fitting) throws Refusal {
    if (inputs.size() != infos.size()) {
      String code = inputs.size() < infos.size() ? "TENSOR_MISSING" : "TENSOR_UNKNOWN";
      String message = "The request has " + inputs.size() + " inputs; the model takes " + infos.size();
      throw new Refusal(code, message, "send every input that the model names, and no other");
    }
    List<Tensor> tensors = new ArrayList<>();
    for (int at = 0; at < infos.size(); at++) tensors.add(fitOne(inputs.get(at), infos.get(at), fitting));
    return tensors;
  }

  private static Tensor fitOne(OlderInput input, TensorInfo info, Fitting fitting) throws Refusal {
    Tensor tensor =
        input instanceof OlderInput.Text text
            ? readText(text, info, fitting)
            : toDatatype(((OlderInput.Dense) input).tensor(), info);
    long[] shape = tensor.shape();
    if (shape.length + 1 == info.shape().length) {
      shape = new long[tensor.shape().length + 1];
      shape[0] = 1;
      System.arraycopy(tensor.shape(), 0, shape, 1, tensor.shape().length);
    }
    return new Tensor(info.name(), tensor.datatype(), shape, tensor.data(), tensor.strings());
  }

  private static Tensor toDatatype(Tensor tensor, TensorInfo info) throws Refusal {
    if (tensor.datatype() == info.datatype()) return tensor;
    if (tensor.datatype() == Datatype.BYTES || info.datatype() == Datatype.BYTES) {
      String name = Refusal.quote(tensor.name());
      String message = "Input " + name + " is " + tensor.datatype() + "; the model takes " + info.datatype();
      throw new Refusal("TENSOR_DATATYPE", message, "send what the model takes");
    }
    return Numbers.convert(tensor, info.datatype());
  }

  private static Tensor readText(OlderInput.Text input, TensorInfo info, Fitting fitting) throws Refusal {
    if (info.datatype() == Datatype.BYTES) {
      String[] parts = input.text().split("\\|", -1);
      byte[][] strings = new byte[parts.length][];
      for (int at = 0; at < parts.length; at++) strings[at] = parts[at].getBytes(StandardCharsets.UTF_8);
      return Tensor.ofStrings(input.name(), new long[] {parts.length}, strings);
    }
    String name = Refusal.quote(input.name());
    if (!Base64Text.is(input.text())) {
      String message = "Input " + name + " is text, but neither strings for the model nor base64";
      throw new Refusal("IMAGE_UNREADABLE", message, "send a tensor, or strings for a model that takes strings");
    }
    long[] shape = info.shape();
    boolean isChannelsFirst = dimension(shape, 1) != Picture.CHANNELS || dimension(shape, 3) == Picture.CHANNELS;
    byte[] given = Base64Text.decode(input.text());
    byte[] image = fitting.older() == null ? given : decrypt(name, given, fitting.older());
    return toDatatype(Picture.decode(input.name(), image, fitting.resize(), isChannelsFirst), info);
  }

  /** A picture that was encrypted as bytes, or as its base64: the older client's examples do both. */
  private static byte[] decrypt(String name, byte[] bytes, OlderBlob older) throws Refusal {
    byte[] plain;
    try {
      plain = older.open(bytes);
    } catch (Refusal notOpened) {
      String message = "Input " + name + " is not encrypted as pictures have to be here";
      throw new Refusal("IMAGE_UNREADABLE", message, "encrypt it with the secret and the salt of older.records");
    }
    String text = new String(plain, StandardCharsets.ISO_8859_1);
    return Base64Text.is(text) ? Base64Text.decode(text) : plain;
  }

  /** A dimension, counted from the last one; 0 when there is none. */
  private static long dimension(long[] shape, int fromEnd) {
    return shape.length < fromEnd ? 0 : shape[shape.length - fromEnd];
  }
}
