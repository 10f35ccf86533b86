// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** How one model is run; names and defaults are those of packages/inference/src/settings.ts. */
final class ModelSettings {
  static final class Versions {
    String kind = "latest";
    int count = 1;
    List<String> versions = List.of();
  }

  static final class Batch {
    int maxRows = 32;
    double windowMs;
  }

  private static final Comparator<String> BY_NUMBER = Comparator.comparing(Long::valueOf);

  Versions versions = new Versions();
  Map<String, String> labels = Map.of();
  int threads = 1;
  Batch batch = new Batch();
  long runLimitMs = 60_000;
  String nonFinite = "refuse";
  /** Told to gateways, which make the loop; null for a model that makes no tokens. */
  JsonObject stream;

  /** What is given for all models (`*`), and over it, key by key, what is given for this one. */
  static ModelSettings of(Settings settings, String model) {
    JsonObject whole = new JsonObject();
    for (String name : List.of("*", model)) {
      JsonObject given = settings.modelSettings.getOrDefault(name, new JsonObject());
      for (Map.Entry<String, JsonElement> entry : given.entrySet()) {
        JsonElement former = whole.get(entry.getKey());
        if (entry.getKey().equals("batch") && former != null) {
          JsonObject batch = former.getAsJsonObject().deepCopy();
          entry.getValue().getAsJsonObject().entrySet().forEach(one -> batch.add(one.getKey(), one.getValue()));
          whole.add("batch", batch);
        } else whole.add(entry.getKey(), entry.getValue());
      }
    }
    return new Gson().fromJson(whole, ModelSettings.class);
  }

  /** The versions to load among those there are, the newest first. */
  List<String> choose(List<String> found) {
    List<String> newestFirst = found.stream().sorted(BY_NUMBER.reversed()).toList();
    return switch (versions.kind) {
      case "all" -> newestFirst;
      case "specific" -> newestFirst.stream().filter(versions.versions::contains).toList();
      default -> newestFirst.stream().limit(versions.count).toList();
    };
  }
}
