// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OlderRecordTest {
  private static final Fitting PLAIN = new Fitting(null, null);

  private static final long[] FREE = {-1, -1};

  private static void same(JsonArray wanted, List<OlderInput> found) {
    assertEquals(wanted.size(), found.size());
    for (int at = 0; at < found.size(); at++) {
      JsonObject input = wanted.get(at).getAsJsonObject();
      if (found.get(at) instanceof OlderInput.Text text) assertEquals(input.get("text").getAsString(), text.text());
      else Same.tensor(Golden.tensor(input), ((OlderInput.Dense) found.get(at)).tensor());
    }
  }

  @Test
  void readsArrowAsTheOlderClientWritesIt() throws Exception {
    for (JsonObject record : Golden.list("arrow")) {
      byte[] data = record.get("data").getAsString().getBytes(StandardCharsets.US_ASCII);
      same(record.getAsJsonArray("inputs"), OlderRecord.read(null, data));
    }
  }

  @Test
  void readsJsonOfTheOlderSurface() throws Exception {
    for (JsonObject record : Golden.list("json")) {
      byte[] body = record.get("body").getAsString().getBytes(StandardCharsets.UTF_8);
      JsonElement code = record.get("code");
      if (code == null) same(record.getAsJsonArray("inputs"), OlderRecord.read("stream", body));
      else Same.refuses(code.getAsString(), () -> OlderRecord.read("stream", body));
    }
    Same.refuses("RECORD_MALFORMED", () -> OlderRecord.read("pickle", new byte[1]));
  }

  @Test
  void onlyRefusesWhateverIsBrokenInArrow() {
    Random random = new Random(1);
    int refused = 0;
    for (JsonObject record : Golden.list("arrow")) {
      byte[] stream = Golden.bytes(record.get("data"));
      for (int round = 0; round < 3_000; round++) {
        byte[] broken = stream.clone();
        for (int change = random.nextInt(3); change >= 0; change--) {
          broken[random.nextInt(broken.length)] = (byte) random.nextInt();
        }
        try {
          OlderRecord.read(null, Base64.getEncoder().encode(broken));
        } catch (Refusal refusal) {
          refused++;
        }
      }
    }
    assertTrue(refused > 1_000, "refused " + refused);
  }

  @Test
  void fitsInputsAsTheEmbeddedEngine() throws Exception {
    for (JsonObject one : Golden.list("fits")) {
      Tensor given = Golden.tensor(one.getAsJsonObject("given"));
      TensorInfo info = new TensorInfo("model's", Datatype.valueOf(one.get("datatype").getAsString()), FREE);
      List<OlderInput> inputs = List.of(new OlderInput.Dense(given));
      JsonElement code = one.get("code");
      if (code != null) Same.refuses(code.getAsString(), () -> FitInputs.fit(inputs, List.of(info), PLAIN));
      else {
        Tensor fitted = FitInputs.fit(inputs, List.of(info), PLAIN).get(0);
        Same.tensor(Golden.tensor(one.getAsJsonObject("fitted")), fitted);
      }
    }
  }

  @Test
  void takesTextsAsStringsOrImages() throws Exception {
    TensorInfo words = new TensorInfo("w", Datatype.BYTES, new long[] {-1});
    Tensor tensor = FitInputs.fit(List.of(new OlderInput.Text("t", "a||b|")), List.of(words), PLAIN).get(0);
    assertEquals(4, tensor.strings().length);
    TensorInfo pixels = new TensorInfo("p", Datatype.FP32, new long[] {1, 3, -1, -1});
    List<TensorInfo> image = List.of(pixels);
    for (String text : List.of("iVBORw0KGgo=", "abcde", "a|b")) {
      Same.refuses("IMAGE_UNREADABLE", () -> FitInputs.fit(List.of(new OlderInput.Text("t", text)), image, PLAIN));
    }
    Same.refuses("TENSOR_MISSING", () -> FitInputs.fit(List.of(), image, PLAIN));
  }

  @Test
  void opensPicturesThatBigDlEncryptedAndNoOthersWhereThatIsOn() throws Exception {
    JsonObject blobs = Golden.ALL.getAsJsonObject("olderBlobs");
    String secret = blobs.get("secret").getAsString();
    Fitting older = new Fitting(null, OlderBlob.derive("aes-128-gcm", secret, blobs.get("salt").getAsString()));
    List<TensorInfo> image = List.of(new TensorInfo("p", Datatype.FP32, new long[] {1, 3, -1, -1}));
    List<OlderInput> pixel = List.of(new OlderInput.Text("t", blobs.get("pixel").getAsString()));
    Tensor wanted = FitInputs.fit(pixel, image, PLAIN).get(0);
    for (JsonElement picture : blobs.getAsJsonArray("pictures")) {
      List<OlderInput> encrypted = List.of(new OlderInput.Text("t", picture.getAsString()));
      Same.tensor(wanted, FitInputs.fit(encrypted, image, older).get(0));
      Same.refuses("IMAGE_UNREADABLE", () -> FitInputs.fit(encrypted, image, PLAIN));
    }
    Same.refuses("IMAGE_UNREADABLE", () -> FitInputs.fit(pixel, image, older));
  }

  @Test
  void writesResultsByteByByte() throws Exception {
    for (JsonObject one : Golden.list("olderResults")) {
      String value = OlderResult.encode(Golden.tensors(one.getAsJsonArray("outputs")));
      assertEquals(one.get("value").getAsString(), value, one.toString());
    }
    Tensor strings = Tensor.ofStrings("y", new long[] {1}, new byte[][] {{65}});
    Same.refuses("TENSOR_DATATYPE", () -> OlderResult.encode(List.of(strings)));
  }

  @Test
  void postProcessesAsTheEmbeddedEngine() throws Exception {
    for (JsonObject one : Golden.list("postProcessing")) {
      PostProcessing asked = PostProcessing.parse(one.get("text").getAsString());
      List<Tensor> outputs = List.of(Golden.tensor(one.getAsJsonObject("output")));
      JsonElement code = one.get("code");
      if (code == null) assertEquals(one.get("value").getAsString(), asked.apply(outputs));
      else Same.refuses(code.getAsString(), () -> asked.apply(outputs));
    }
    for (JsonObject one : Golden.list("floats")) {
      float value = Float.intBitsToFloat(one.get("bits").getAsInt());
      assertEquals(one.get("text").getAsString(), PostProcessing.format(value));
    }
    Same.refuses("SERVING_CONFIG", () -> PostProcessing.parse("topN(0)"));
  }
}
