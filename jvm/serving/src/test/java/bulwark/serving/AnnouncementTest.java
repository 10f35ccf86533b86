// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

// What is said, is said while models are open: their variables are not read.
@SuppressWarnings("try")
class AnnouncementTest {
  @TempDir Path folder;

  private void put(String name, byte[] content) throws Exception {
    Path version = Files.createDirectories(folder.resolve(name).resolve("1"));
    Files.write(version.resolve("model.onnx"), content);
  }

  private Settings settings() {
    Settings settings = new Settings();
    settings.models = folder.toString();
    JsonObject echo = JsonParser.parseString(
            "{\"labels\": {\"stable\": \"1\"}, \"stream\": {\"tokens\": \"x\", \"next\": \"y\"}}")
        .getAsJsonObject();
    settings.modelSettings = Map.of("echo", echo);
    return settings;
  }

  @Test
  void isWhatTheEmbeddedEngineWouldSay() throws Exception {
    put("echo", Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32")));
    assertEquals("", Announcement.of("job", "one"));
    try (Models models = Models.load(settings(), null)) {
      List<KeyFingerprint> keys = Golden.keyring().only("serving-records").fingerprints();
      var failure = new OrderFollower.Failure("7-0", "MODEL_UNKNOWN", "größer", "none");
      Announcement.say("job", "one", models, new OrderFollower.CarriedOut("7-1", List.of(failure)), keys);
      String expected = Golden.ALL.get("announcement").getAsString();
      assertEquals(JsonParser.parseString(expected), JsonParser.parseString(Announcement.of("job", "one")));
    }
    assertEquals("", Announcement.of("job", "another"));
  }

  @Test
  void tellsOfModelsThatCannotBeLoaded() throws Exception {
    put("echo", Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32")));
    put("broken", new byte[] {1, 2, 3});
    try (Models models = Models.load(settings(), null)) {
      Announcement.say("job", "two", models, null, List.of());
      JsonObject said = JsonParser.parseString(Announcement.of("job", "two")).getAsJsonObject();
      assertFalse(said.has("carriedOut"));
      assertFalse(said.has("recordKeys"));
      JsonObject broken = said.getAsJsonArray("versions").get(0).getAsJsonObject();
      assertEquals("broken", broken.get("model").getAsString());
      assertEquals("UNAVAILABLE", broken.get("state").getAsString());
      assertTrue(broken.has("reason"));
    }
  }

  @Test
  void isBounded() throws Exception {
    byte[] echo = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
    put("echo", echo);
    Settings settings = settings();
    JsonObject labels = new JsonObject();
    labels.addProperty("l".repeat(1 << 18), "1");
    settings.modelSettings.get("echo").add("labels", labels);
    try (Models models = Models.load(settings, null)) {
      Same.refuses("ANNOUNCEMENT_TOO_LARGE", () -> Announcement.say("job", "three", models, null, List.of()));
    }
  }
}
