// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Master keys from a {@code keyring.json} that only its owner may read. */
public final class Keyring implements MasterKeys {
  /** System property that names the file. A Hadoop setting would be visible to the application and in its UI. */
  public static final String PROPERTY = "bulwark.keyring";

  private static final int KEY_BYTES = 32;

  private record MasterKey(int current, Map<Integer, SecretKey> versions) {}

  private final Map<String, MasterKey> keys;

  private Keyring(Map<String, MasterKey> keys) {
    this.keys = keys;
  }

  /**
   * The keyring of this process, read anew at each call.
   *
   * @throws DataKeyException KEY_MISSING when the process has none, and as {@link #read}
   */
  public static Keyring ofProcess() {
    String file = System.getProperty(PROPERTY);
    if (file == null) {
      throw new DataKeyException("KEY_MISSING", "this process was given no keyring, so no data key can be opened");
    }
    return read(Path.of(file));
  }

  /**
   * Reads a keyring file.
   *
   * @throws DataKeyException KEYRING_UNSAFE when others could read or have written it, KEYRING_INVALID when it is not
   *     of the form that {@code bulwark keys} writes
   */
  public static Keyring read(Path file) {
    byte[] bytes = new byte[0];
    try {
      PrivateFile.require(file);
      bytes = Files.readAllBytes(file);
      return new Keyring(parse(bytes, file));
    } catch (JacksonException malformed) {
      // The parser's own words and its cause quote the text, which holds keys.
      throw invalid(file, "it is not JSON");
    } catch (NoSuchFileException absent) {
      throw new DataKeyException("KEY_MISSING", "there is no keyring at " + file, absent);
    } catch (IOException unreadable) {
      throw new DataKeyException("KEYRING_INVALID", "the keyring " + file + " cannot be read", unreadable);
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }

  @Override
  public String wrap(String keyId, byte[] dataKey) {
    MasterKey key = find(keyId);
    return KeyWrap.wrap(key.versions().get(key.current()), keyId, key.current(), dataKey);
  }

  @Override
  public byte[] unwrap(String wrapped, String keyId) {
    int version = MasterKeys.versionOf(wrapped);
    SecretKey key = find(keyId).versions().get(version);
    if (key == null) {
      throw new DataKeyException(
          "KEY_MISSING", "the keyring does not hold version " + version + " of the data key \"" + keyId + "\"");
    }
    return KeyWrap.unwrap(key, keyId, version, wrapped);
  }

  @Override
  public int currentVersion(String keyId) {
    return find(keyId).current();
  }

  private MasterKey find(String keyId) {
    MasterKey key = keys.get(keyId);
    if (key == null) {
      throw new DataKeyException("KEY_MISSING", "the keyring does not hold the data key \"" + keyId + "\"");
    }
    return key;
  }

  private static Map<String, MasterKey> parse(byte[] json, Path file) throws IOException {
    JsonNode root = new ObjectMapper().readTree(json);
    demand(root.path("version").asInt() == 1, file, "its version is unknown");
    demand(root.path("keys").isArray(), file, "it has no list of keys");
    Map<String, MasterKey> keys = new HashMap<>();
    for (JsonNode entry : root.path("keys")) {
      String id = entry.path("id").asText();
      MasterKey key = new MasterKey(entry.path("current").asInt(), parseVersions(entry.path("versions"), file));
      demand(!id.isEmpty() && key.versions().containsKey(key.current()), file, "a key has no id or no current version");
      demand(keys.put(id, key) == null, file, "two keys have the same id");
    }
    return keys;
  }

  private static Map<Integer, SecretKey> parseVersions(JsonNode versions, Path file) throws IOException {
    Map<Integer, SecretKey> parsed = new HashMap<>();
    for (JsonNode entry : versions) {
      demand(entry.path("key").getNodeType() == JsonNodeType.STRING, file, "a key version has no key");
      byte[] key = entry.path("key").binaryValue();
      demand(key.length == KEY_BYTES, file, "a key is not " + KEY_BYTES + " bytes");
      SecretKey previous = parsed.put(entry.path("version").asInt(), new SecretKeySpec(key, "AES"));
      Arrays.fill(key, (byte) 0);
      demand(previous == null, file, "a key version occurs twice");
    }
    return parsed;
  }

  private static void demand(boolean condition, Path file, String what) {
    if (!condition) {
      throw invalid(file, what);
    }
  }

  private static DataKeyException invalid(Path file, String what) {
    return new DataKeyException("KEYRING_INVALID", "the keyring " + file + " is malformed: " + what);
  }
}
