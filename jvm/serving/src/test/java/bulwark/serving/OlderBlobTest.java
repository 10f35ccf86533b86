// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OlderBlobTest {
  private static final JsonObject GIVEN = Golden.ALL.getAsJsonObject("olderBlobs");
  private static final String SECRET = GIVEN.get("secret").getAsString();
  private static final String SALT = GIVEN.get("salt").getAsString();
  private static final byte[] MODEL = Golden.bytes(GIVEN.get("model"));

  @TempDir Path folder;

  /** A blob in its form as bytes. */
  private static byte[] blob(String cipher) {
    for (JsonElement one : GIVEN.getAsJsonArray("blobs")) {
      JsonObject given = one.getAsJsonObject();
      if (given.get("cipher").getAsString().equals(cipher)) return Golden.bytes(given.getAsJsonArray("files").get(0));
    }
    throw new IllegalArgumentException(cipher);
  }

  @Test
  void opensEveryFormThatBigDlWrote() throws Exception {
    assertEquals(OlderBlob.CIPHERS.size(), GIVEN.getAsJsonArray("blobs").size());
    for (JsonElement one : GIVEN.getAsJsonArray("blobs")) {
      String cipher = one.getAsJsonObject().get("cipher").getAsString();
      OlderBlob older = OlderBlob.derive(cipher, SECRET, SALT);
      for (JsonElement file : one.getAsJsonObject().getAsJsonArray("files")) {
        assertArrayEquals(MODEL, older.openModel(Golden.bytes(file)), cipher);
      }
    }
  }

  @Test
  void refusesOtherSecretsTheOtherLengthAndCuts() throws Exception {
    for (String cipher : OlderBlob.CIPHERS) {
      boolean isGcm = cipher.endsWith("gcm");
      byte[] blob = blob(cipher);
      String other = cipher.contains("128") ? cipher.replace("128", "256") : cipher.replace("256", "128");
      for (OlderBlob older :
          List.of(
              OlderBlob.derive(cipher, "wrong", SALT),
              OlderBlob.derive(cipher, SECRET, "wrong"),
              OlderBlob.derive(other, SECRET, SALT))) {
        // CBC says so in most cases alone: its padding happens to fit once in about 256.
        if (isGcm) Same.refuses("KEY_WRONG", () -> older.open(blob));
        else assertFalse(Arrays.equals(MODEL, tryToOpen(older, blob)));
      }
      OlderBlob older = OlderBlob.derive(cipher, SECRET, SALT);
      for (int length : new int[] {0, 12, 27, 31, blob.length - 1}) {
        String code = isGcm && length > 27 ? "KEY_WRONG" : "DATA_TRUNCATED";
        Same.refuses(code, () -> older.open(Arrays.copyOf(blob, length)));
      }
    }
  }

  private static byte[] tryToOpen(OlderBlob older, byte[] blob) {
    try {
      return older.open(blob);
    } catch (Refusal refusal) {
      assertEquals("KEY_WRONG", refusal.code());
      return null;
    }
  }

  @Test
  void refusesEveryChangeWithGcmAndGoesUnnoticedWithCbc() throws Exception {
    byte[] blob = blob("aes-256-gcm");
    OlderBlob gcm = OlderBlob.derive("aes-256-gcm", SECRET, SALT);
    for (int at = 0; at < blob.length; at++) {
      byte[] changed = blob.clone();
      changed[at] ^= 0x10;
      Same.refuses("KEY_WRONG", () -> gcm.open(changed));
    }
    byte[] changed = blob("aes-128-cbc");
    changed[3] ^= (byte) 0xff;
    byte[] opened = OlderBlob.derive("aes-128-cbc", SECRET, SALT).open(changed);
    assertEquals(MODEL.length, opened.length);
    assertFalse(Arrays.equals(MODEL, opened));
  }

  @Test
  void endsWithACodeWhateverItIsGiven() {
    Random random = new Random(1);
    for (String cipher : OlderBlob.CIPHERS) {
      OlderBlob older = OlderBlob.derive(cipher, SECRET, SALT);
      for (int count = 0; count < 2_000; count++) {
        byte[] bytes = new byte[random.nextInt(100)];
        // Half of them look like base64, of every length.
        if (count % 2 == 0) random.nextBytes(bytes);
        else for (int at = 0; at < bytes.length; at++) bytes[at] = (byte) ('A' + random.nextInt(26));
        try {
          older.openModel(bytes);
        } catch (Refusal refusal) {
          assertTrue(List.of("KEY_WRONG", "DATA_TRUNCATED").contains(refusal.code()));
        }
      }
    }
  }

  private Settings.OlderBlobs write(String secret, String salt) throws Exception {
    var ownerOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    Settings.OlderBlobs given = new Settings.OlderBlobs();
    given.cipher = "aes-128-gcm";
    given.secretFile = Files.writeString(Files.createTempFile(folder, "a", "", ownerOnly), secret).toString();
    given.saltFile = Files.writeString(Files.createTempFile(folder, "a", "", ownerOnly), salt).toString();
    return given;
  }

  @Test
  void readsItsSecretsFromFilesOfTheirOwnerAlone() throws Exception {
    assertNull(OlderBlob.read(null));
    byte[] blob = blob("aes-128-gcm");
    for (String end : List.of("", "\n", "\r\n")) {
      assertArrayEquals(MODEL, OlderBlob.read(write(SECRET + end, SALT + end)).open(blob));
    }
    Same.refuses("KEY_WRONG", () -> OlderBlob.read(write(SECRET + "\n\n", SALT)).open(blob));
    Same.refuses("SERVING_CONFIG", () -> OlderBlob.read(write("\n", SALT)));
    Settings.OlderBlobs open = write(SECRET, SALT);
    Files.setPosixFilePermissions(Path.of(open.saltFile), PosixFilePermissions.fromString("rw-r--r--"));
    Same.refuses("KEYRING_UNSAFE", () -> OlderBlob.read(open));
  }
}
