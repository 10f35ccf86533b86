// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
  private static final String REDIS = "\"redis\": {\"url\": \"rediss://127.0.0.1:1\"}";
  @TempDir Path folder;

  private Settings read(String json) throws Exception {
    return Settings.read(Files.writeString(folder.resolve(Settings.FILE), json));
  }

  @Test
  void fillsInWhatIsNotSaid() throws Exception {
    Settings settings = read("{" + REDIS + ", \"consumer\": \"c\", \"models\": \"m\"}");
    assertEquals(List.of("serving_stream", "serving-records"), List.of(settings.job, settings.recordKey));
    assertEquals(List.of(256, 5, 1), List.of(settings.mostInFlight, settings.mostDeliveries, settings.parallelism));
  }

  @Test
  void refusesWhatItDoesNotKnowOrCannotRead() {
    Same.refuses("SERVING_CONFIG", () -> read("{" + REDIS + ", \"consumer\": \"c\", \"models\": \"m\", \"what\": 1}"));
    for (String broken : List.of("", "[", "{}", "{\"parallelism\": 0}", "[1]", "{" + REDIS + ", \"models\": \"m\"}")) {
      Same.refuses("SERVING_CONFIG", () -> read(broken));
    }
    for (String older :
        List.of(
            "{\"cipher\": \"aes-128-ecb\", \"secretFile\": \"a\", \"saltFile\": \"b\"}",
            "{\"cipher\": \"aes-128-gcm\", \"secretFile\": \"a\"}",
            "{}")) {
      for (String place : List.of("models", "records")) {
        String given = "\"older\": {\"" + place + "\": " + older + "}";
        Same.refuses(
            "SERVING_CONFIG", () -> read("{" + REDIS + ", \"consumer\": \"c\", \"models\": \"m\", " + given + "}"));
      }
    }
    String negative = "\"consumer\": \"c\", \"models\": \"m\", \"memoryLimitBytes\": -1";
    Same.refuses("SERVING_CONFIG", () -> read("{" + REDIS + ", " + negative + "}"));
    for (String endpoint : List.of("collector:4318", "ftp://collector", "http://", "http://[", "what")) {
      String given = "\"tracesEndpoint\": \"" + endpoint + "\"";
      Same.refuses(
          "SERVING_CONFIG", () -> read("{" + REDIS + ", \"consumer\": \"c\", \"models\": \"m\", " + given + "}"));
    }
    Same.refuses("SERVING_CONFIG", () -> Settings.read(folder.resolve("absent")));
  }

  @Test
  void givesAModelWhatIsSaidForAllAndForIt() throws Exception {
    String all = "\"*\": {\"batch\": {\"maxRows\": 8}, \"threads\": 2}";
    String models = "\"modelSettings\": {" + all + ", \"m\": {\"batch\": {\"windowMs\": 3}}}";
    Settings settings = read("{" + REDIS + ", \"consumer\": \"c\", \"models\": \"m\", " + models + "}");
    ModelSettings own = ModelSettings.of(settings, "m");
    assertEquals(List.of(8, 2), List.of(own.batch.maxRows, own.threads));
    assertEquals(3.0, own.batch.windowMs);
    assertEquals(0.0, ModelSettings.of(settings, "another").batch.windowMs);
    assertEquals(List.of("10"), own.choose(List.of("9", "10", "2")));
  }

  @Test
  void sendsNothingToAnotherMachineInTheClear() {
    Settings.Redis redis = new Settings.Redis();
    for (String url : List.of("redis://example.org", "rediss://u:p@h", "http://127.0.0.1", "what")) {
      redis.url = url;
      Same.refuses("SERVING_CONFIG", () -> new RedisLink(redis));
    }
  }
}
