// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.parquet.crypto.keytools.KeyToolkit;

/** A keyring in a temporary folder, put in force for this process until closed. */
final class TestKeys implements AutoCloseable {
  final Path folder;
  private final Map<String, TreeMap<Integer, String>> keys = new LinkedHashMap<>();

  TestKeys(String... ids) throws IOException {
    folder = Files.createTempDirectory("bulwark-data");
    for (String id : ids) {
      rotate(id);
    }
  }

  Path file() {
    return folder.resolve("keyring.json");
  }

  /** Adds a version and makes it current. */
  TestKeys rotate(String id) throws IOException {
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    TreeMap<Integer, String> versions = keys.computeIfAbsent(id, absent -> new TreeMap<>());
    versions.put(versions.size() + 1, Base64.getEncoder().encodeToString(key));
    return save();
  }

  /** The same names, other bytes. */
  TestKeys replaceAll() throws IOException {
    for (String id : keys.keySet().toArray(String[]::new)) {
      keys.remove(id);
      rotate(id);
    }
    return this;
  }

  TestKeys remove(String id) throws IOException {
    keys.remove(id);
    return save();
  }

  TestKeys removeVersion(String id, int version) throws IOException {
    keys.get(id).remove(version);
    return save();
  }

  private TestKeys save() throws IOException {
    String entries =
        keys.entrySet().stream()
            .map(key -> entry(key.getKey(), key.getValue()))
            .collect(Collectors.joining(","));
    Files.writeString(file(), "{\"version\":1,\"keys\":[" + entries + "]}");
    Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-------"));
    System.setProperty(Keyring.PROPERTY, file().toString());
    KeyToolkit.removeCacheEntriesForAllTokens();
    return this;
  }

  private static String entry(String id, TreeMap<Integer, String> versions) {
    String list =
        versions.entrySet().stream()
            .map(
                version ->
                    "{\"version\":%d,\"created\":\"2026-01-01T00:00:00.000Z\",\"key\":\"%s\"}"
                        .formatted(version.getKey(), version.getValue()))
            .collect(Collectors.joining(","));
    return "{\"id\":\"%s\",\"current\":%d,\"versions\":[%s]}".formatted(id, versions.lastKey(), list);
  }

  /** A copy with one bit changed. */
  static byte[] flip(byte[] bytes, int position) {
    byte[] changed = Arrays.copyOf(bytes, bytes.length);
    changed[position] ^= 0x10;
    return changed;
  }

  @Override
  public void close() throws IOException {
    System.clearProperty(Keyring.PROPERTY);
    KeyToolkit.removeCacheEntriesForAllTokens();
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder()).forEach(TestKeys::delete);
    }
  }

  private static void delete(Path path) {
    try {
      Files.delete(path);
    } catch (IOException left) {
      throw new UncheckedIOException(left);
    }
  }
}
