// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads the JSON body of the older HTTP surface: `{"instances": [{name: scalar | nested list | {shape, data, indices} |
 * text}]}`, of which the older server computed the first instance alone. Numbers become single precision, as there.
 */
final class OlderJson {
  /** Name of an input that the caller did not name, as the older client has it. */
  private static final String UNNAMED = "t";
  private static final Map<String, Float> NAMED =
      Map.of("NaN", Float.NaN, "Infinity", Float.POSITIVE_INFINITY, "-Infinity", Float.NEGATIVE_INFINITY);

  private OlderJson() {}

  /** Throws TENSOR_MALFORMED, TENSOR_TOO_LARGE, TENSOR_SHAPE, TENSOR_VALUE. */
  static List<OlderInput> read(byte[] body) throws Refusal {
    JsonElement instance = findFirst(body);
    List<OlderInput> inputs = new ArrayList<>();
    if (!(instance instanceof JsonObject object)) {
      inputs.add(readValue(UNNAMED, instance));
      return inputs;
    }
    if (object.size() > Limits.TENSORS) throw Limits.tooLarge("An instance has too many inputs");
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      inputs.add(readValue(entry.getKey(), entry.getValue()));
    }
    return inputs;
  }

  private static JsonElement findFirst(byte[] body) throws Refusal {
    try {
      JsonElement json = JsonParser.parseString(new String(body, StandardCharsets.UTF_8));
      JsonElement instances = json instanceof JsonObject object ? object.get("instances") : null;
      if (instances instanceof JsonArray list && !list.isEmpty()) {
        if (list.size() > Limits.TENSORS) throw Limits.tooLarge("The request has too many instances");
        return list.get(0);
      }
    } catch (JsonParseException malformed) {
      throw malformed("The request is no JSON");
    }
    throw malformed("The request has no list of instances");
  }

  private static OlderInput readValue(String name, JsonElement value) throws Refusal {
    if (value instanceof JsonPrimitive text && text.isString()) return new OlderInput.Text(name, text.getAsString());
    if (value instanceof JsonObject sparse) return readSparse(name, sparse);
    if (value instanceof JsonArray list) return readNested(name, list);
    JsonArray one = new JsonArray();
    one.add(value);
    return readNested(name, one);
  }

  private static OlderInput readNested(String name, JsonArray data) throws Refusal {
    long[] shape = findShape(name, data);
    List<JsonElement> flat = flatten(name, data, shape);
    if (flat.isEmpty() || !(flat.get(0) instanceof JsonPrimitive first) || !first.isString()) {
      return new OlderInput.Dense(toFloats(name, shape, flat));
    }
    byte[][] strings = new byte[flat.size()][];
    for (int at = 0; at < strings.length; at++) {
      if (!(flat.get(at) instanceof JsonPrimitive text) || !text.isString()) throw wrong(name, at, "BYTES");
      strings[at] = text.getAsString().getBytes(StandardCharsets.UTF_8);
    }
    return new OlderInput.Dense(Tensor.ofStrings(name, shape, strings));
  }

  private static OlderInput readSparse(String name, JsonObject sparse) throws Refusal {
    if (!(sparse.get("shape") instanceof JsonArray sizes) || !(sparse.get("data") instanceof JsonArray data)) {
      throw malformed("Input " + Refusal.quote(name) + " needs lists of shape and data");
    }
    long[] shape = readWhole(name, sizes.asList());
    Limits.count(shape, name);
    if (sparse.get("indices") == null) {
      return new OlderInput.Dense(toFloats(name, shape, flatten(name, data, shape)));
    }
    if (!(sparse.get("indices") instanceof JsonArray indices)) {
      throw malformed("Sparse input " + Refusal.quote(name) + " needs a list of indices");
    }
    long[] lengths = findShape(name, indices);
    long[] flat = readWhole(name, flatten(name, indices, lengths));
    Tensor values = toFloats(name, new long[] {data.size()}, data.asList());
    return OlderInput.ofSparse(name, shape, flat, lengths, Numbers.toDoubles(values));
  }

  /** The lengths down the first elements, as the older server takes them; all others must be the same. */
  private static long[] findShape(String name, JsonArray data) throws Refusal {
    List<Long> shape = new ArrayList<>();
    JsonElement level = data;
    while (level instanceof JsonArray list) {
      shape.add((long) list.size());
      if (shape.size() > Limits.DIMENSIONS) {
        String message = "Input " + Refusal.quote(name) + " is nested deeper than " + Limits.DIMENSIONS;
        throw new Refusal("TENSOR_SHAPE", message, "send what the model's metadata asks for: GET v2/models/NAME");
      }
      level = list.isEmpty() ? null : list.get(0);
    }
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  private static List<JsonElement> flatten(String name, JsonArray data, long[] shape) throws Refusal {
    int count = Limits.count(shape, name);
    if (data.isEmpty() || !(data.get(0) instanceof JsonArray)) {
      Limits.demandLength(data.size(), count, name);
      return data.asList();
    }
    List<JsonElement> level = List.of(data);
    for (long size : shape) {
      List<JsonElement> next = new ArrayList<>();
      for (JsonElement part : level) {
        if (!(part instanceof JsonArray list) || list.size() != size) {
          String message = "The data of tensor " + Refusal.quote(name) + " is not equally long everywhere";
          throw new Refusal("TENSOR_SHAPE", message, "send a shape whose product is the number of elements");
        }
        next.addAll(list.asList());
      }
      level = next;
    }
    return level;
  }

  private static Tensor toFloats(String name, long[] shape, List<JsonElement> flat) throws Refusal {
    ByteBuffer data = ByteBuffer.allocate(flat.size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < flat.size(); at++) {
      if (!(flat.get(at) instanceof JsonPrimitive value)) throw wrong(name, at, "FP32");
      if (value.isString() && NAMED.containsKey(value.getAsString())) data.putFloat(NAMED.get(value.getAsString()));
      else if (value.isNumber() && Float.isFinite(value.getAsFloat())) data.putFloat((float) value.getAsDouble());
      else throw wrong(name, at, "FP32");
    }
    return Tensor.ofNumbers(name, Datatype.FP32, shape, data.flip());
  }

  private static long[] readWhole(String name, List<JsonElement> flat) throws Refusal {
    long[] whole = new long[flat.size()];
    for (int at = 0; at < whole.length; at++) {
      boolean isNumber = flat.get(at) instanceof JsonPrimitive value && value.isNumber();
      double number = isNumber ? flat.get(at).getAsDouble() : Double.NaN;
      if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) throw wrong(name, at, "INT32");
      whole[at] = (long) number;
    }
    return whole;
  }

  private static Refusal wrong(String name, int at, String datatype) {
    String message = "Element " + at + " of tensor " + Refusal.quote(name) + " is no " + datatype;
    return new Refusal("TENSOR_VALUE", message, "send a value that the datatype has");
  }

  private static Refusal malformed(String message) {
    return new Refusal("TENSOR_MALFORMED", message, "send {\"instances\": [{\"t\": [1.0, 2.0]}]}");
  }
}
