// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every model of the settings, found by name, and by version or label (packages/inference, create-engine.ts). One
 * thread finds and computes; another may load and unload meanwhile.
 */
final class Models implements AutoCloseable {
  /** Why a version is not there that somebody took away on purpose; gateways know it by this word. */
  static final String UNLOADED = "unloaded";

  private static final Logger LOG = LoggerFactory.getLogger(Models.class);

  /** One version; `model` is null where it is not there, and `reason` says why. */
  record Version(String number, String stamp, Model model, String reason) {}

  /** What is known of a model: its settings, and its versions by number. Replaced as a whole, never changed. */
  record Known(ModelSettings settings, NavigableMap<Long, Version> versions) {
    /** The newest that is there, else the newest. */
    Version newest() {
      for (Version one : versions.descendingMap().values()) if (one.model() != null) return one;
      return versions.lastEntry().getValue();
    }

    /** Null when there is none of this number or label. */
    Version find(String wanted) {
      String number = settings.labels.getOrDefault(wanted, wanted);
      for (Version one : versions.values()) if (one.number().equals(number)) return one;
      return null;
    }
  }

  private final RunLimit limit = new RunLimit();
  private final Map<String, Known> known = new ConcurrentSkipListMap<>();
  private final ConcurrentLinkedQueue<Model> replaced = new ConcurrentLinkedQueue<>();
  private final Settings settings;
  private final ModelKeys keys;
  private final Memory memory;
  private boolean isClosed;
  /** The name of the model that is being loaded; null while none is. */
  private volatile String loading;

  private Models(Settings settings, ModelKeys keys) {
    this.settings = settings;
    this.keys = keys;
    this.memory = Memory.of(settings);
  }

  /**
   * Loads them. One that cannot be loaded is reported and keeps the others from nothing.
   *
   * @throws Refusal MODEL_REPOSITORY, and what loading throws when not one could be loaded
   */
  static Models load(Settings settings, ModelKeys keys) throws Refusal {
    Models models = new Models(settings, keys);
    Refusal first = null;
    List<String> names = ModelFiles.names(settings);
    int failed = 0;
    for (String name : names) {
      try {
        models.load(name);
      } catch (Refusal refusal) {
        LOG.error("model {} is not loaded: {} {}", name, refusal.code(), refusal.getMessage());
        if (failed++ == 0) first = refusal;
      }
    }
    if (failed < names.size()) return models;
    models.close();
    throw first;
  }

  /**
   * Loads a model, or again what changed on disk. What is served goes on being served until the new one is ready.
   *
   * @throws Refusal MODEL_UNKNOWN, MODEL_NOT_READY (its settings choose no version), and what loading throws
   */
  synchronized void load(String name) throws Refusal {
    loading = name;
    try {
      loadVersions(name);
    } finally {
      loading = null;
    }
  }

  /** Whether what is refused of a model may soon be there. */
  boolean isLoading(String name) {
    return name != null && name.equals(loading);
  }

  /** Takes a model away. Throws MODEL_UNKNOWN. */
  synchronized void unload(String name) throws Refusal {
    for (Version one : knownOf(name).versions().values()) unload(name, one);
  }

  /**
   * @param wanted a version, a label, or empty for the newest
   * @throws Refusal MODEL_UNKNOWN, MODEL_VERSION_UNKNOWN, MODEL_NOT_READY
   */
  Model find(String name, String wanted) throws Refusal {
    Known model = knownOf(name);
    Version version = wanted.isEmpty() ? model.newest() : model.find(wanted);
    if (version == null) {
      String message = Refusal.quote(name) + " has no version " + Refusal.quote(wanted);
      throw new Refusal("MODEL_VERSION_UNKNOWN", message, "the versions are: " + model.versions().keySet());
    }
    if (version.model() != null) return version.model();
    throw version.reason().equals(UNLOADED) ? Refusal.unloaded(name) : notReady(name, version.reason());
  }

  /** The model of an older client's record: the one it came with, the one of the settings, or the only one. */
  Model findForOlder(String given) throws Refusal {
    if (given != null && !given.isEmpty()) return find(given, "");
    if (settings.older.model != null) return find(settings.older.model, "");
    List<String> names = List.copyOf(known.keySet());
    if (names.size() == 1) return find(names.get(0), "");
    String message = "Records of older clients name no model, and there are " + names.size() + ".";
    throw new Refusal("MODEL_UNKNOWN", message, "name the one that answers them: older.model");
  }

  /** All that is known, by name. */
  Map<String, Known> all() {
    return known;
  }

  /** Those replaced or taken away since the last time: whoever computes closes them, after what waits for them. */
  List<Model> takeReplaced() {
    List<Model> taken = new ArrayList<>();
    for (Model one = replaced.poll(); one != null; one = replaced.poll()) taken.add(one);
    return taken;
  }

  /** For whoever computes. One that is being loaded is waited for: nothing of it stays. */
  @Override
  public synchronized void close() {
    isClosed = true;
    for (Known one : known.values()) for (Version version : one.versions().values()) retire(version);
    known.clear();
    takeReplaced().forEach(Model::close);
    limit.close();
  }

  private void loadVersions(String name) throws Refusal {
    Map<String, ModelFiles.Found> files = ModelFiles.find(settings, name);
    if (files.isEmpty()) {
      String message = "The repository holds no model " + Refusal.quote(name);
      throw new Refusal("MODEL_UNKNOWN", message, "put it there");
    }
    ModelSettings own = ModelSettings.of(settings, name);
    List<String> wanted = own.choose(List.copyOf(files.keySet()));
    if (wanted.isEmpty()) throw notReady(name, "its settings choose no version of those there are");
    for (String number : wanted) loadVersion(name, number, files.get(number), own);
    for (Version one : known.get(name).versions().values()) if (!wanted.contains(one.number())) unload(name, one);
  }

  private void loadVersion(String name, String number, ModelFiles.Found file, ModelSettings own) throws Refusal {
    if (isClosed) throw notReady(name, "the engine ends");
    Known before = known.get(name);
    Version former = before == null ? null : before.versions().get(Long.valueOf(number));
    boolean isServed = former != null && former.model() != null;
    if (isServed && former.stamp().equals(file.stamp())) return;
    try {
      memory.demand(name, file);
      Model model = new Model(name, number, ModelFiles.open(file.path(), keys), own, limit);
      put(name, own, new Version(number, file.stamp(), model, ""));
    } catch (Refusal refusal) {
      if (!isServed) put(name, own, new Version(number, file.stamp(), null, refusal.getMessage()));
      throw refusal;
    }
  }

  private void unload(String name, Version one) {
    if (one.model() != null) put(name, known.get(name).settings(), new Version(one.number(), "", null, UNLOADED));
  }

  private void put(String name, ModelSettings own, Version version) {
    Known before = known.get(name);
    NavigableMap<Long, Version> versions = before == null ? new TreeMap<>() : new TreeMap<>(before.versions());
    Version former = versions.put(Long.valueOf(version.number()), version);
    known.put(name, new Known(own, versions));
    if (former != null) retire(former);
  }

  private void retire(Version version) {
    if (version.model() != null) replaced.add(version.model());
  }

  private Known knownOf(String name) throws Refusal {
    Known model = known.get(name);
    if (model != null) return model;
    String message = "There is no model " + Refusal.quote(name);
    throw new Refusal("MODEL_UNKNOWN", message, "the models are: " + known.keySet());
  }

  private static Refusal notReady(String name, String why) {
    String message = "The model " + Refusal.quote(name) + " is not ready: " + why;
    return new Refusal("MODEL_NOT_READY", message, "mend it, then load it: bulwark model load NAME");
  }
}
