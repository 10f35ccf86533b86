// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What this process serves, as gateways read it that do not have the models (packages/inference, announcement.ts). Whoever
 * loads the models says it, and the reader of the same job, in the same process, tells Redis.
 */
final class Announcement {
  private static final int FORMAT = 1;
  private static final int LONGEST_BYTES = 1 << 18;
  /** By job and consumer, which no two jobs share. */
  private static final Map<List<String>, String> SAID = new ConcurrentHashMap<>();

  private Announcement() {}

  /** What was said last; empty before any model was loaded. */
  static String of(Settings settings) {
    return SAID.getOrDefault(keyOf(settings), "");
  }

  /** Throws ANNOUNCEMENT_TOO_LARGE. */
  static void say(Settings settings, Models models) throws Refusal {
    String text = write(models);
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > LONGEST_BYTES) {
      String message = "What the engine serves takes " + bytes + " bytes to say; " + LONGEST_BYTES + " are the most";
      throw new Refusal("ANNOUNCEMENT_TOO_LARGE", message, "serve fewer models or versions with one engine");
    }
    SAID.put(keyOf(settings), text);
  }

  static String write(Models models) {
    JsonArray versions = new JsonArray();
    for (Model model : models.all()) versions.add(describe(model));
    for (Models.Failed failed : models.allFailed()) {
      JsonObject one = begin(failed.name(), failed.version(), "UNAVAILABLE");
      one.addProperty("reason", failed.why().getMessage());
      versions.add(one);
    }
    JsonObject whole = new JsonObject();
    whole.addProperty("format", FORMAT);
    whole.add("versions", versions);
    return new Gson().toJson(whole);
  }

  private static JsonObject describe(Model model) {
    JsonObject one = begin(model.name(), model.version(), "READY");
    JsonArray labels = new JsonArray();
    model.settings().labels.forEach((label, version) -> {
      if (version.equals(model.version())) labels.add(label);
    });
    one.add("labels", labels);
    one.add("inputs", describe(model.inputs()));
    one.add("outputs", describe(model.outputs()));
    if (model.settings().stream != null) one.add("stream", model.settings().stream);
    return one;
  }

  private static JsonObject begin(String name, String version, String state) {
    JsonObject one = new JsonObject();
    one.addProperty("model", name);
    one.addProperty("version", version);
    one.addProperty("state", state);
    return one;
  }

  private static JsonArray describe(List<TensorInfo> infos) {
    JsonArray all = new JsonArray();
    for (TensorInfo info : infos) {
      JsonObject one = new JsonObject();
      one.addProperty("name", info.name());
      one.addProperty("datatype", info.datatype().name());
      JsonArray shape = new JsonArray();
      for (long size : info.shape()) shape.add(size);
      one.add("shape", shape);
      all.add(one);
    }
    return all;
  }

  private static List<String> keyOf(Settings settings) {
    return List.of(settings.job, settings.consumer);
  }
}
