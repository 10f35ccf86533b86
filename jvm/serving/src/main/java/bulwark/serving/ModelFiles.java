// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Where models come from: a folder `NAME/VERSION/model.onnx`, or one file (packages/inference, repository.ts). */
final class ModelFiles {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
  private static final Pattern VERSION = Pattern.compile("[1-9]\\d{0,9}");
  private static final List<String> FILES = List.of("model.onnx", "model.onnx.sealed", "model.onnx.bigdl");
  private static final String ONNX = "\\.onnx(\\.sealed|\\.bigdl)?$";
  private static final String SEALED = ".sealed";
  private static final String OLDER = ".bigdl";

  private ModelFiles() {}

  /** The file of a version, its size, and what tells it from what lay there before. */
  record Found(Path path, long bytes, String stamp) {
    boolean isEncrypted() {
      String name = path.toString();
      return name.endsWith(SEALED) || name.endsWith(OLDER);
    }
  }

  /** Names of all models. Throws MODEL_REPOSITORY, MODEL_FORMAT. */
  static List<String> names(Settings settings) throws Refusal {
    Path root = Path.of(settings.models);
    if (Files.isRegularFile(root)) return List.of(nameOfFile(root, settings.modelName));
    List<String> names = folders(root, NAME).stream().map(model -> model.getFileName().toString()).toList();
    if (!names.isEmpty()) return names;
    throw new Refusal("MODEL_REPOSITORY", root + " holds no model.", "put one there: NAME/VERSION/model.onnx");
  }

  /** The versions of a model; none when there is none of that name. Throws MODEL_REPOSITORY, MODEL_FORMAT. */
  static Map<String, Found> find(Settings settings, String name) throws Refusal {
    Path root = Path.of(settings.models);
    if (Files.isRegularFile(root)) {
      return nameOfFile(root, settings.modelName).equals(name) ? Map.of("1", describe(root)) : Map.of();
    }
    Map<String, Found> versions = new TreeMap<>();
    // A name is part of a path: one that no model may have is looked for nowhere.
    if (!NAME.matcher(name).matches() || !Files.isDirectory(root.resolve(name))) return versions;
    for (Path version : folders(root.resolve(name), VERSION)) {
      Path file = find(version);
      if (file != null) versions.put(version.getFileName().toString(), describe(file));
    }
    return versions;
  }

  /** What makes a session of a file: by its path, or decrypted in memory. */
  static Model.Source open(Path path, ModelKeys keys) {
    String name = path.toString();
    if (name.endsWith(SEALED)) {
      return (ort, options) -> ort.createSession(SealedModel.open(readAll(path), keys.keyring()), options);
    }
    if (name.endsWith(OLDER)) return (ort, options) -> ort.createSession(openOlder(path, keys.older()), options);
    return (ort, options) -> ort.createSession(name, options);
  }

  private static byte[] openOlder(Path path, OlderBlob older) throws Refusal {
    if (older != null) return older.openModel(readAll(path));
    String mend = "bulwark model encrypt --from-bigdl CIPHER, or turn on older.models in the settings";
    throw new Refusal("KEY_MISSING", path + " was encrypted by BigDL, and reading that is off.", mend);
  }

  private static byte[] readAll(Path path) throws Refusal {
    try {
      return Files.readAllBytes(path);
    } catch (IOException cause) {
      throw unreadable(path, cause);
    }
  }

  private static String nameOfFile(Path file, String given) throws Refusal {
    String name = file.getFileName().toString().replaceFirst(ONNX, "");
    if (name.equals(file.getFileName().toString())) throw otherFormat(file);
    return given == null ? name : given;
  }

  private static Found describe(Path file) throws Refusal {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      return new Found(file, now.size(), file + " " + now.fileKey() + " " + now.size() + " " + now.lastModifiedTime());
    } catch (IOException cause) {
      throw unreadable(file, cause);
    }
  }

  private static Path find(Path folder) throws Refusal {
    for (String name : FILES) if (Files.isRegularFile(folder.resolve(name))) return folder.resolve(name);
    try (Stream<Path> entries = Files.list(folder)) {
      if (entries.findAny().isEmpty()) return null;
    } catch (IOException cause) {
      throw unreadable(folder, cause);
    }
    throw otherFormat(folder);
  }

  private static List<Path> folders(Path parent, Pattern name) throws Refusal {
    try (Stream<Path> entries = Files.list(parent)) {
      return entries
          .filter(entry -> Files.isDirectory(entry) && name.matcher(entry.getFileName().toString()).matches())
          .sorted()
          .toList();
    } catch (IOException cause) {
      String message = parent + " is no folder that can be read.";
      throw new Refusal("MODEL_REPOSITORY", message, "name a folder of models", cause);
    }
  }

  private static Refusal unreadable(Path path, IOException cause) {
    return new Refusal("MODEL_REPOSITORY", path + " cannot be read.", "name a model file that is there", cause);
  }

  private static Refusal otherFormat(Path path) {
    return new Refusal("MODEL_FORMAT", path + " holds no ONNX model.", "convert it to ONNX: model.onnx");
  }
}
