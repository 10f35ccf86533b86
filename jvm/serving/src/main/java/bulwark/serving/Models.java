// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every model of the settings, loaded: found by name, and by version or label. Belongs to one thread. */
final class Models implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Models.class);

  private final RunLimit limit = new RunLimit();
  /** By model, then by version as a number. */
  private final Map<String, TreeMap<Long, Model>> loaded = new TreeMap<>();
  /** Models of which a version could not be loaded. */
  private final Map<String, Failed> failed = new HashMap<>();
  private final Settings settings;

  private Models(Settings settings) {
    this.settings = settings;
  }

  /**
   * Loads them. One that cannot be loaded is reported and keeps the others from nothing.
   *
   * @throws Refusal MODEL_REPOSITORY, ANNOUNCEMENT_TOO_LARGE, and what loading throws when not one could be loaded
   */
  static Models load(Settings settings, Keyring keyring) throws Refusal {
    Models models = new Models(settings);
    try {
      for (var entry : ModelFiles.list(settings.models, settings.modelName).entrySet()) {
        models.loadOne(entry.getKey(), entry.getValue(), keyring);
      }
      if (models.loaded.isEmpty()) throw models.failed.values().iterator().next().why();
      Announcement.say(settings, models);
      return models;
    } catch (Refusal refusal) {
      models.close();
      throw refusal;
    }
  }

  /**
   * @param wanted a version, a label, or empty for the newest
   * @throws Refusal MODEL_UNKNOWN, MODEL_VERSION_UNKNOWN, MODEL_NOT_READY
   */
  Model find(String name, String wanted) throws Refusal {
    TreeMap<Long, Model> versions = loaded.get(name);
    if (versions == null) throw notThere(name);
    if (wanted.isEmpty()) return versions.lastEntry().getValue();
    Map<String, String> labels = versions.lastEntry().getValue().settings().labels;
    String version = labels.getOrDefault(wanted, wanted);
    for (Model model : versions.values()) if (model.version().equals(version)) return model;
    String message = Refusal.quote(name) + " has no version " + Refusal.quote(wanted);
    throw new Refusal("MODEL_VERSION_UNKNOWN", message, "the versions are: " + versions.keySet());
  }

  /** Every version that is loaded, model by model. */
  List<Model> all() {
    return loaded.values().stream().flatMap(versions -> versions.values().stream()).toList();
  }

  /** Models of which no version is loaded. */
  List<Failed> allFailed() {
    return failed.values().stream().filter(one -> !loaded.containsKey(one.name())).toList();
  }

  /** A model that could not be loaded, the newest version of it that there is, and why. */
  record Failed(String name, String version, Refusal why) {}

  /** The model of an older client's record: the one it came with, the one of the settings, or the only one. */
  Model findForOlder(String given) throws Refusal {
    if (given != null && !given.isEmpty()) return find(given, "");
    if (settings.older.model != null) return find(settings.older.model, "");
    if (loaded.size() == 1) return find(loaded.keySet().iterator().next(), "");
    String message = "Records of older clients name no model, and there are " + loaded.size() + ".";
    throw new Refusal("MODEL_UNKNOWN", message, "name the one that answers them: older.model");
  }

  @Override
  public void close() {
    loaded.values().forEach(versions -> versions.values().forEach(Model::close));
    limit.close();
  }

  private void loadOne(String name, Map<String, Path> files, Keyring keyring) {
    try {
      ModelSettings own = ModelSettings.of(settings, name);
      List<String> wanted = own.choose(List.copyOf(files.keySet()));
      if (wanted.isEmpty()) throw notReady(name, "its settings choose no version of those there are");
      TreeMap<Long, Model> versions = new TreeMap<>();
      for (String version : wanted) {
        Model model = new Model(name, version, ModelFiles.open(files.get(version), keyring), own, limit);
        versions.put(Long.valueOf(version), model);
        loaded.put(name, versions);
      }
    } catch (Refusal refusal) {
      LOG.error("model {} is not loaded: {} {}", name, refusal.code(), refusal.getMessage());
      String newest = Collections.max(files.keySet(), Comparator.comparing(Long::valueOf));
      failed.put(name, new Failed(name, newest, refusal));
    }
  }

  private Refusal notThere(String name) {
    Failed found = failed.get(name);
    if (found != null) return notReady(name, found.why().getMessage());
    String message = "There is no model " + Refusal.quote(name);
    return new Refusal("MODEL_UNKNOWN", message, "the models are: " + loaded.keySet());
  }

  private static Refusal notReady(String name, String why) {
    String mend = "mend it, then start the engine again";
    return new Refusal("MODEL_NOT_READY", "The model " + Refusal.quote(name) + " is not ready: " + why, mend);
  }
}
