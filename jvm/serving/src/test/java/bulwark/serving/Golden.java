// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** What the codecs of packages/ wrote: `npm run generate` makes golden.txt from them. */
final class Golden {
  static final JsonObject ALL = read();

  private Golden() {}

  static List<JsonObject> list(String name) {
    return ALL.getAsJsonArray(name).asList().stream().map(JsonElement::getAsJsonObject).toList();
  }

  static byte[] bytes(JsonElement base64) {
    return Base64.getDecoder().decode(base64.getAsString());
  }

  static Tensor tensor(JsonObject given) {
    Datatype datatype = Datatype.valueOf(given.get("datatype").getAsString());
    long[] shape = given.getAsJsonArray("shape").asList().stream().mapToLong(JsonElement::getAsLong).toArray();
    String name = given.get("name").getAsString();
    if (datatype != Datatype.BYTES) {
      return Tensor.ofNumbers(name, datatype, shape, ByteBuffer.wrap(bytes(given.get("data"))));
    }
    byte[][] strings = given.getAsJsonArray("data").asList().stream().map(Golden::bytes).toArray(byte[][]::new);
    return Tensor.ofStrings(name, shape, strings);
  }

  static List<Tensor> tensors(JsonArray given) {
    List<Tensor> tensors = new ArrayList<>();
    for (JsonElement one : given) tensors.add(tensor(one.getAsJsonObject()));
    return tensors;
  }

  static Keyring keyring() throws IOException, Refusal {
    var ownerOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    Path file = Files.createTempFile("keyring", ".json", ownerOnly);
    try {
      Files.writeString(file, ALL.get("keyring").toString());
      return Keyring.read(file.toString());
    } finally {
      Files.delete(file);
    }
  }

  private static JsonObject read() {
    try (InputStream file = Golden.class.getResourceAsStream("/golden.txt")) {
      return JsonParser.parseString(new String(file.readAllBytes(), StandardCharsets.UTF_8)).getAsJsonObject();
    } catch (IOException cause) {
      throw new IllegalStateException(cause);
    }
  }
}
