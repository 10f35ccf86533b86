// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** The master keys of `keyring.json`, by id and version. */
final class Keyring {
  private static final int KEY_BYTES = 32;

  private final Map<String, SecretKey> keys = new HashMap<>();

  /** An empty one where no file is named. Throws SERVING_CONFIG, KEYRING_UNSAFE, KEYRING_INVALID. */
  static Keyring read(String path) throws Refusal {
    Keyring keyring = new Keyring();
    if (path == null) return keyring;
    String text = RedisTls.readSecret(path);
    try {
      for (JsonElement entry : JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("keys")) {
        JsonObject key = entry.getAsJsonObject();
        String id = key.get("id").getAsString();
        for (JsonElement one : key.getAsJsonArray("versions")) {
          JsonObject version = one.getAsJsonObject();
          byte[] raw = Base64.getDecoder().decode(version.get("key").getAsString());
          if (raw.length != KEY_BYTES) throw new IllegalArgumentException();
          keyring.keys.put(name(id, version.get("version").getAsInt()), new SecretKeySpec(raw, "AES"));
        }
      }
    } catch (JsonParseException | IllegalStateException | IllegalArgumentException | NullPointerException malformed) {
      // The cause is left out: its text may quote a key.
      throw new Refusal("KEYRING_INVALID", path + " is not a keyring.", "restore it, or bulwark keys check");
    }
    return keyring;
  }

  /** The versions of one key alone. */
  Keyring only(String id) {
    Keyring some = new Keyring();
    keys.forEach((name, key) -> {
      if (name.startsWith(id + "\0")) some.keys.put(name, key);
    });
    return some;
  }

  /** Of every key, by id and version. */
  List<KeyFingerprint> fingerprints() {
    return keys.entrySet().stream()
        .map(entry -> {
          String[] name = entry.getKey().split("\0");
          return KeyFingerprint.of(name[0], Integer.parseInt(name[1]), entry.getValue());
        })
        .sorted(Comparator.comparing(KeyFingerprint::id).thenComparing(KeyFingerprint::version))
        .toList();
  }

  boolean isEmpty() {
    return keys.isEmpty();
  }

  /** Null when it is not there. */
  SecretKey find(String id, int version) {
    return keys.get(name(id, version));
  }

  private static String name(String id, int version) {
    return id + "\0" + version;
  }
}
