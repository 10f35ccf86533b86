// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
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

  private Settings settings(String consumer) {
    Settings settings = new Settings();
    settings.consumer = consumer;
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
    Settings settings = settings("one");
    assertEquals("", Announcement.of(settings));
    try (Models models = Models.load(settings, null)) {
      String expected = Golden.ALL.get("announcement").getAsString();
      assertEquals(JsonParser.parseString(expected), JsonParser.parseString(Announcement.of(settings)));
    }
    assertEquals("", Announcement.of(settings("another")));
  }

  @Test
  void tellsOfModelsThatCannotBeLoaded() throws Exception {
    put("echo", Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32")));
    put("broken", new byte[] {1, 2, 3});
    Settings settings = settings("two");
    try (Models models = Models.load(settings, null)) {
      JsonArray versions =
          JsonParser.parseString(Announcement.of(settings)).getAsJsonObject().getAsJsonArray("versions");
      JsonObject broken = versions.get(1).getAsJsonObject();
      assertEquals("broken", broken.get("model").getAsString());
      assertEquals("UNAVAILABLE", broken.get("state").getAsString());
      assertTrue(broken.has("reason"));
    }
  }

  @Test
  void isBounded() throws Exception {
    byte[] echo = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
    put("echo", echo);
    Settings settings = settings("three");
    JsonObject labels = new JsonObject();
    labels.addProperty("l".repeat(1 << 18), "1");
    settings.modelSettings.get("echo").add("labels", labels);
    Same.refuses("ANNOUNCEMENT_TOO_LARGE", () -> Models.load(settings, null));
  }
}
