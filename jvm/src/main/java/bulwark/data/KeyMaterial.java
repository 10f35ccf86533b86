// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The wrapped keys of one Parquet file, in the file that Parquet's key tools put beside it: a JSON map of references to
 * texts, each again JSON. Data keys are wrapped by key encryption keys, and those by master keys.
 */
final class KeyMaterial {
  private static final String PREFIX = "_KEY_MATERIAL_FOR_";
  private static final String MASTER_KEY = "masterKeyID";
  private static final String WRAPPED_KEK = "wrappedKEK";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path parquetFile;
  private final Map<String, ObjectNode> entries;

  private KeyMaterial(Path parquetFile, Map<String, ObjectNode> entries) {
    this.parquetFile = parquetFile;
    this.entries = entries;
  }

  static Path fileOf(Path parquetFile) {
    return new Path(parquetFile.getParent(), PREFIX + parquetFile.getName() + ".json");
  }

  /**
   * @throws DataFileException DATA_MISSING when there is none, DATA_TAMPERED when it is not of its form
   */
  static KeyMaterial read(Configuration conf, Path parquetFile) throws IOException {
    Path file = fileOf(parquetFile);
    try (InputStream in = file.getFileSystem(conf).open(file)) {
      Map<String, String> texts = JSON.readValue(in, new TypeReference<Map<String, String>>() {});
      Map<String, ObjectNode> entries = new LinkedHashMap<>();
      for (Map.Entry<String, String> entry : texts.entrySet()) {
        entries.put(entry.getKey(), JSON.readValue(entry.getValue(), ObjectNode.class));
      }
      return new KeyMaterial(parquetFile, entries);
    } catch (FileNotFoundException absent) {
      throw new DataFileException("DATA_MISSING", "the wrapped keys of " + parquetFile + " are gone: " + file, absent);
    } catch (JacksonException malformed) {
      throw new DataFileException("DATA_TAMPERED", "the wrapped keys of " + parquetFile + " were changed", malformed);
    }
  }

  /** Id of the master key behind a reference in the Parquet file. */
  String masterKey(String reference) throws DataFileException {
    ObjectNode entry = entries.get(reference);
    if (entry == null) {
      throw new DataFileException("DATA_TAMPERED", "the wrapped keys of " + parquetFile + " lack " + reference);
    }
    return entry.path(MASTER_KEY).asText();
  }

  /** The version of each master key that this file is wrapped under. */
  Map<String, Integer> versions() {
    return entries.values().stream()
        .collect(
            Collectors.toMap(
                entry -> entry.path(MASTER_KEY).asText(),
                entry -> MasterKeys.versionOf(entry.path(WRAPPED_KEK).asText()),
                Math::min));
  }

  /**
   * Wraps every key under the current version of its master key, in place of the file by rename.
   *
   * @return whether anything was to be done
   */
  boolean rewrap(Configuration conf, MasterKeys masterKeys) throws IOException {
    boolean current =
        versions().entrySet().stream().allMatch(entry -> masterKeys.currentVersion(entry.getKey()) == entry.getValue());
    if (current) {
      return false;
    }
    // Keys of one file share key encryption keys: each is wrapped once.
    Map<String, String> wrapped = new LinkedHashMap<>();
    for (ObjectNode entry : entries.values()) {
      String keyId = entry.path(MASTER_KEY).asText();
      Function<String, String> wrapAgain = text -> rewrap(masterKeys, keyId, text);
      entry.put(WRAPPED_KEK, wrapped.computeIfAbsent(entry.path(WRAPPED_KEK).asText(), wrapAgain));
    }
    Map<String, String> texts = new LinkedHashMap<>();
    entries.forEach((reference, entry) -> texts.put(reference, entry.toString()));
    byte[] json = JSON.writeValueAsBytes(texts);
    ReplacedFile.replace(conf, fileOf(parquetFile), out -> out.write(json));
    return true;
  }

  /** Wraps one key anew. */
  static String rewrap(MasterKeys masterKeys, String keyId, String wrapped) {
    byte[] key = masterKeys.unwrap(wrapped, keyId);
    try {
      return masterKeys.wrap(keyId, key);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }
}
