// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonSyntaxException;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the job is told, by a JSON file of mode 0600 that every process of Flink reads itself: no secret and no path
 * of one passes through Flink's own messages. The names are those of the embedded engine's settings.
 */
final class Settings {
  /** Its name, beside Flink's own `config.yaml`. */
  static final String FILE = "serving.json";

  /** Where Redis is and who we are there; secrets and certificates by file. */
  static final class Redis {
    String url;
    String user;
    String passwordFile;
    String caFile;
    String certificateFile;
    String privateKeyFile;
    int timeoutMs = 5_000;
  }

  /** How records of older clients, which name no model, are answered. */
  static final class Older {
    String model;
    String postProcessing = "";
    /** Images are scaled to this; null leaves them as they are. */
    Size resize;
    /** Models, and pictures of records, that BigDL encrypted; null where nothing is to be opened so. */
    OlderBlobs models;
    OlderBlobs records;
  }

  /** The switch that lets BigDL's encrypted blobs be read. Each file holds one text. */
  static final class OlderBlobs {
    String cipher;
    String secretFile;
    String saltFile;
  }

  static final class Size {
    int width;
    int height;
  }

  Redis redis;
  String job = "serving_stream";
  /** Begins the names of the consumers; no two jobs on one stream may share it. */
  String consumer;
  String keyringFile;
  String recordKey = "serving-records";
  String models;
  String modelName;
  Map<String, JsonObject> modelSettings = Map.of();
  Older older = new Older();
  /** Records that one reader hands out before the first of them is ended. */
  int mostInFlight = 256;
  long minIdleMs = 10_000;
  int mostDeliveries = 5;
  long resultTtlMs = 3_600_000;
  long replyTtlMs = 600_000;
  int mostDead = 10_000;
  /**
   * Bytes this process may use, beyond which no model is loaded; a share of what there is when absent, 0: nobody looks.
   */
  Long memoryLimitBytes;
  /** A collector of traces; where it is absent, the variable counts that OpenTelemetry names. */
  String tracesEndpoint;
  /** Subtasks, each a consumer with its own copy of every model. */
  int parallelism = 1;
  /** The process ends when its standard input does: with whoever started it. */
  boolean hasLifeline;

  private static final String TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final Set<String> KNOWN =
      Arrays.stream(Settings.class.getDeclaredFields())
          .filter(field -> !Modifier.isStatic(field.getModifiers()))
          .map(Field::getName)
          .collect(Collectors.toUnmodifiableSet());

  /** Reads the file. Throws SERVING_CONFIG, with every finding. */
  static Settings read(Path path) throws Refusal {
    JsonObject given;
    Settings settings;
    try {
      given = new Gson().fromJson(Files.readString(path), JsonObject.class);
      settings = new Gson().fromJson(given, Settings.class);
    } catch (IOException cause) {
      throw invalid(path, List.of("it cannot be read"), cause);
    } catch (JsonSyntaxException | ClassCastException cause) {
      // What the parser says would quote the file.
      throw invalid(path, List.of("it does not have the expected form"), null);
    }
    List<String> wrong = new ArrayList<>();
    if (settings == null) throw invalid(path, List.of("it is empty"), null);
    for (String key : given.keySet()) if (!KNOWN.contains(key)) wrong.add(key + " is not known");
    if (settings.tracesEndpoint == null) settings.tracesEndpoint = System.getenv(TRACES);
    if ("".equals(settings.tracesEndpoint)) settings.tracesEndpoint = null;
    wrong.addAll(settings.findFaults());
    if (!wrong.isEmpty()) throw invalid(path, wrong, null);
    return settings;
  }

  private List<String> findFaults() {
    List<String> wrong = new ArrayList<>();
    if (redis == null || redis.url == null) wrong.add("redis.url is missing");
    if (consumer == null || consumer.isEmpty()) wrong.add("consumer is missing");
    if (models == null) wrong.add("models is missing");
    if (parallelism < 1) wrong.add("parallelism is less than 1");
    Size size = older.resize;
    if (size != null && (size.width < 1 || size.height < 1)) wrong.add("older.resize has no width or height");
    wrong.addAll(findFaults("older.models", older.models));
    wrong.addAll(findFaults("older.records", older.records));
    if (memoryLimitBytes != null && memoryLimitBytes < 0) wrong.add("memoryLimitBytes is less than 0");
    if (mostInFlight < 1) wrong.add("mostInFlight is less than 1");
    if (tracesEndpoint != null && !isHttp(tracesEndpoint)) wrong.add("tracesEndpoint is no http or https address");
    return wrong;
  }

  private static boolean isHttp(String text) {
    try {
      URI url = new URI(text);
      return url.getHost() != null && Set.of("http", "https").contains(url.getScheme());
    } catch (URISyntaxException malformed) {
      return false;
    }
  }

  private static List<String> findFaults(String place, OlderBlobs given) {
    List<String> wrong = new ArrayList<>();
    if (given == null) return wrong;
    if (!OlderBlob.CIPHERS.contains(String.valueOf(given.cipher))) {
      wrong.add(place + ".cipher is to be one of " + String.join(", ", OlderBlob.CIPHERS));
    }
    if (given.secretFile == null || given.saltFile == null) wrong.add(place + " needs secretFile and saltFile");
    return wrong;
  }

  /** The name of the consumer that a subtask is, in every process the same. */
  String consumerOf(int subtask) {
    return consumer + "-" + subtask;
  }

  private static Refusal invalid(Path path, List<String> wrong, Throwable cause) {
    return new Refusal("SERVING_CONFIG", path + ": " + String.join("; ", wrong) + ".", "mend the settings file", cause);
  }
}
