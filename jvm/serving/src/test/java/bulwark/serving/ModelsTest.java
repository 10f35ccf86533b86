// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelsTest {
  private static final byte[] ECHO = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
  private static final byte[] MLP = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("mlp"));

  @TempDir Path folder;

  private void put(String name, String version, byte[] content) throws Exception {
    Files.write(Files.createDirectories(folder.resolve(name).resolve(version)).resolve("model.onnx"), content);
  }

  private Models load() throws Refusal {
    Settings settings = new Settings();
    settings.models = folder.toString();
    String labels = "{\"labels\": {\"stable\": \"1\"}}";
    settings.modelSettings = Map.of("echo", JsonParser.parseString(labels).getAsJsonObject());
    return Models.load(settings, new ModelKeys(null, null));
  }

  @Test
  void loadsAgainOnlyWhatChanged() throws Exception {
    put("echo", "1", ECHO);
    try (Models models = load()) {
      Model first = models.find("echo", "");
      models.load("echo");
      assertSame(first, models.find("echo", "stable"));
      assertEquals(List.of(), models.takeReplaced());
      put("echo", "2", MLP);
      models.load("echo");
      assertEquals("2", models.find("echo", "").version());
      Same.refuses("MODEL_NOT_READY", () -> models.find("echo", "1"));
      List<Model> replaced = models.takeReplaced();
      assertEquals(List.of(first), replaced);
      // Whoever computes may still run it.
      assertEquals(1, first.inputs().size());
      replaced.forEach(Model::close);
    }
  }

  @Test
  void goesOnWithWhatItHasWhenANewOneIsBroken() throws Exception {
    put("echo", "1", ECHO);
    try (Models models = load()) {
      Model first = models.find("echo", "");
      put("echo", "1", new byte[] {1, 2, 3});
      Same.refuses("MODEL_LOAD_FAILED", () -> models.load("echo"));
      assertSame(first, models.find("echo", ""));
      put("echo", "1", MLP);
      models.load("echo");
      assertNotSame(first, models.find("echo", ""));
    }
  }

  @Test
  void goesOnWithWhatItHasWhenANewOneDoesNotFit() throws Exception {
    put("echo", "1", ECHO);
    for (String name : List.of("model.onnx", "model.onnx.sealed")) {
      Path big = Files.createDirectories(folder.resolve("big-" + name).resolve("1")).resolve(name);
      try (RandomAccessFile file = new RandomAccessFile(big.toFile(), "rw")) {
        // Nothing of it is on the disk.
        file.setLength(1L << 40);
      }
    }
    try (Models models = load()) {
      for (String name : List.of("big-model.onnx", "big-model.onnx.sealed")) {
        Same.refuses("MODEL_NOT_READY", () -> models.find(name, ""));
        Same.refuses("MODEL_MEMORY", () -> models.load(name));
      }
      assertEquals("1", models.find("echo", "").version());
    }
  }

  @Test
  void tellsWhatWasTakenAwayFromWhatIsMissing() throws Exception {
    put("echo", "1", ECHO);
    put("mlp", "1", MLP);
    put("broken", "1", new byte[] {1});
    Files.createDirectories(folder.resolve("empty"));
    Files.write(Files.createDirectories(folder.resolve("torch").resolve("1")).resolve("model.pt"), ECHO);
    try (Models models = load()) {
      models.unload("echo");
      Refusal unloaded = assertThrows(Refusal.class, () -> models.find("echo", ""));
      assertEquals("MODEL_NOT_READY", unloaded.code());
      assertTrue(unloaded.isOfTheAsker());
      Refusal broken = assertThrows(Refusal.class, () -> models.find("broken", ""));
      assertEquals(List.of("MODEL_NOT_READY", false), List.of(broken.code(), broken.isOfTheAsker()));
      for (String absent : List.of("empty", "..", "", "echo/1", "torch")) {
        Same.refuses("MODEL_UNKNOWN", () -> models.find(absent, ""));
        Same.refuses("MODEL_UNKNOWN", () -> models.unload(absent));
      }
      for (String absent : List.of("empty", "..", "", "echo/1")) {
        Same.refuses("MODEL_UNKNOWN", () -> models.load(absent));
      }
      Same.refuses("MODEL_FORMAT", () -> models.load("torch"));
      assertEquals("mlp", models.find("mlp", "").name());
      models.load("echo");
      assertEquals("1", models.find("echo", "stable").version());
      // That one was taken away makes no other one the only one.
      Same.refuses("MODEL_UNKNOWN", () -> models.findForOlder(null));
    }
  }

  @Test
  void saysWhyThereIsNothingAtAll() throws Exception {
    Same.refuses("MODEL_REPOSITORY", this::load);
    put("broken", "1", new byte[] {1});
    Same.refuses("MODEL_LOAD_FAILED", this::load);
  }

  @Test
  void opensWhatBigDlEncryptedOnlyWhereThatIsOn() throws Exception {
    Files.createDirectories(folder.resolve("older").resolve("1"));
    Files.write(folder.resolve("older").resolve("1").resolve("model.onnx.bigdl"), new byte[40]);
    Same.refuses("KEY_MISSING", this::load);
    Settings settings = new Settings();
    settings.models = folder.toString();
    ModelKeys keys = new ModelKeys(null, OlderBlob.derive("aes-128-gcm", "secret", "salt"));
    Same.refuses("KEY_WRONG", () -> Models.load(settings, keys));
  }

  @Test
  void servesOneFileUnderItsName() throws Exception {
    Settings settings = new Settings();
    settings.models = Files.write(folder.resolve("some.onnx"), ECHO).toString();
    try (Models models = Models.load(settings, null)) {
      assertEquals("1", models.find("some", "").version());
      Same.refuses("MODEL_UNKNOWN", () -> models.load("another"));
    }
  }
}
