// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Where models come from: a folder `NAME/VERSION/model.onnx`, or one file (packages/inference, repository.ts). */
final class ModelFiles {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
  private static final Pattern VERSION = Pattern.compile("[1-9]\\d{0,9}");
  private static final List<String> FILES = List.of("model.onnx", "model.onnx.sealed");
  private static final String ONNX = "\\.onnx(\\.sealed)?$";
  private static final String SEALED = ".sealed";

  private ModelFiles() {}

  /** Paths by model and version. Throws MODEL_REPOSITORY, MODEL_FORMAT. */
  static Map<String, Map<String, Path>> list(String models, String modelName) throws Refusal {
    Path root = Path.of(models);
    if (Files.isRegularFile(root)) {
      String file = root.getFileName().toString();
      String name = file.replaceFirst(ONNX, "");
      if (name.equals(file)) throw otherFormat(root);
      return Map.of(modelName == null ? name : modelName, Map.of("1", root));
    }
    Map<String, Map<String, Path>> found = new TreeMap<>();
    for (Path model : folders(root, NAME)) {
      Map<String, Path> versions = new TreeMap<>();
      for (Path version : folders(model, VERSION)) {
        Path file = find(version);
        if (file != null) versions.put(version.getFileName().toString(), file);
      }
      found.put(model.getFileName().toString(), versions);
    }
    if (!found.isEmpty()) return found;
    throw new Refusal("MODEL_REPOSITORY", models + " holds no model.", "put one there: NAME/VERSION/model.onnx");
  }

  /** What makes a session of a file: by its path, or decrypted in memory. */
  static Model.Source open(Path path, Keyring keyring) {
    if (!path.toString().endsWith(SEALED)) return (ort, options) -> ort.createSession(path.toString(), options);
    return (ort, options) -> ort.createSession(SealedModel.open(readAll(path), keyring), options);
  }

  private static byte[] readAll(Path path) throws Refusal {
    try {
      return Files.readAllBytes(path);
    } catch (IOException cause) {
      throw new Refusal("MODEL_REPOSITORY", path + " cannot be read.", "name a model file that is there", cause);
    }
  }

  private static Path find(Path folder) throws Refusal {
    for (String name : FILES) if (Files.isRegularFile(folder.resolve(name))) return folder.resolve(name);
    try (Stream<Path> entries = Files.list(folder)) {
      if (entries.findAny().isEmpty()) return null;
    } catch (IOException cause) {
      throw new UncheckedIOException(cause);
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

  private static Refusal otherFormat(Path path) {
    return new Refusal("MODEL_FORMAT", path + " holds no ONNX model.", "convert it to ONNX: model.onnx");
  }
}
