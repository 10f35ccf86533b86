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
 * loads the models says it, and the reader of the same subtask, in the same process, tells Redis.
 */
final class Announcement {
  private static final int FORMAT = 1;
  private static final int LONGEST_BYTES = 1 << 18;
  /** By job and consumer, which no two subtasks share. */
  private static final Map<List<String>, String> SAID = new ConcurrentHashMap<>();

  private Announcement() {}

  /** What a consumer said last; empty before it loaded any model. */
  static String of(String job, String consumer) {
    return SAID.getOrDefault(List.of(job, consumer), "");
  }

  /**
   * @param carriedOut null for an engine that follows no orders
   * @param recordKeys those that open records; none: nothing is said of them
   * @throws Refusal ANNOUNCEMENT_TOO_LARGE
   */
  static void say(
      String job,
      String consumer,
      Models models,
      OrderFollower.CarriedOut carriedOut,
      List<KeyFingerprint> recordKeys)
      throws Refusal {
    String text = write(models, carriedOut, recordKeys);
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > LONGEST_BYTES) {
      String message = "What the engine serves takes " + bytes + " bytes to say; " + LONGEST_BYTES + " are the most";
      throw new Refusal("ANNOUNCEMENT_TOO_LARGE", message, "serve fewer models or versions with one engine");
    }
    SAID.put(List.of(job, consumer), text);
  }

  private static String write(
      Models models, OrderFollower.CarriedOut carriedOut, List<KeyFingerprint> recordKeys) {
    JsonArray versions = new JsonArray();
    models.all().forEach((name, known) -> {
      for (Models.Version version : known.versions().values()) versions.add(describe(name, known.settings(), version));
    });
    JsonObject whole = new JsonObject();
    whole.addProperty("format", FORMAT);
    whole.add("versions", versions);
    if (!recordKeys.isEmpty()) whole.add("recordKeys", new Gson().toJsonTree(recordKeys));
    if (carriedOut != null) whole.add("carriedOut", new Gson().toJsonTree(carriedOut));
    return new Gson().toJson(whole);
  }

  private static JsonObject describe(String name, ModelSettings settings, Models.Version version) {
    Model model = version.model();
    JsonObject one = new JsonObject();
    one.addProperty("model", name);
    one.addProperty("version", version.number());
    one.addProperty("state", model == null ? "UNAVAILABLE" : "READY");
    JsonArray labels = new JsonArray();
    settings.labels.forEach((label, number) -> {
      if (number.equals(version.number())) labels.add(label);
    });
    one.add("labels", labels);
    if (model == null) {
      one.addProperty("reason", version.reason());
      return one;
    }
    one.add("inputs", describe(model.inputs()));
    one.add("outputs", describe(model.outputs()));
    if (model.isBatched()) one.addProperty("maxRows", settings.batch.maxRows);
    if (settings.stream != null) one.add("stream", settings.stream);
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
}
