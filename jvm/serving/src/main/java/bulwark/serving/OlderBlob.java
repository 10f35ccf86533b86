// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Reading, never writing, what BigDL encrypted; its forms are those of packages/inference/src/older-blob.ts. It holds
 * the derived key alone.
 */
final class OlderBlob {
  static final List<String> CIPHERS = List.of("aes-256-gcm", "aes-128-gcm", "aes-256-cbc", "aes-128-cbc");
  private static final int ITERATIONS = 65_536;
  private static final int BLOCK_BYTES = 16;
  private static final int LAST_OF_LATIN_1 = 0xff;

  private final String cipher;
  private final SecretKey key;
  private final int keyBytes;

  private OlderBlob(String cipher, SecretKey key, int keyBytes) {
    this.cipher = cipher;
    this.key = key;
    this.keyBytes = keyBytes;
  }

  /** Null where the switch is off. Throws SERVING_CONFIG, KEYRING_UNSAFE. */
  static OlderBlob read(Settings.OlderBlobs given) throws Refusal {
    return given == null ? null : derive(given.cipher, readSecret(given.secretFile), readSecret(given.saltFile));
  }

  /** Derives the key once, which takes tens of milliseconds, for any number of blobs. */
  static OlderBlob derive(String cipher, String secret, String salt) {
    int bits = cipher.startsWith("aes-256") ? 256 : 128;
    PBEKeySpec spec =
        new PBEKeySpec(secret.toCharArray(), salt.getBytes(StandardCharsets.UTF_8), ITERATIONS, bits);
    try {
      byte[] raw = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
      SecretKey key = new SecretKeySpec(raw, "AES");
      Arrays.fill(raw, (byte) 0);
      return new OlderBlob(cipher, key, bits / Byte.SIZE);
    } catch (GeneralSecurityException bug) {
      throw new IllegalStateException(bug);
    } finally {
      spec.clearPassword();
    }
  }

  /** Opens a blob in its form as bytes. Throws KEY_WRONG, DATA_TRUNCATED. */
  byte[] open(byte[] blob) throws Refusal {
    return cipher.endsWith("gcm") ? openGcm(blob) : openCbc(blob);
  }

  /**
   * Opens a model file. As bytes it holds the model. As base64 it holds the model as text, each byte a character of
   * ISO-8859-1; what is no such text was bytes before it became base64, and is taken as it is.
   */
  byte[] openModel(byte[] file) throws Refusal {
    String text = new String(file, StandardCharsets.ISO_8859_1);
    if (!Base64Text.is(text)) return open(file);
    byte[] plain = open(Base64Text.decode(text));
    try {
      String characters = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(plain)).toString();
      boolean isLatin1 = characters.chars().allMatch(character -> character <= LAST_OF_LATIN_1);
      return isLatin1 ? characters.getBytes(StandardCharsets.ISO_8859_1) : plain;
    } catch (CharacterCodingException noText) {
      return plain;
    }
  }

  private byte[] openGcm(byte[] blob) throws Refusal {
    int length = blob.length - Gcm.NONCE_BYTES;
    if (length < Gcm.TAG_BYTES) throw truncated();
    byte[] plain = new byte[length - Gcm.TAG_BYTES];
    byte[] nonce = Arrays.copyOf(blob, Gcm.NONCE_BYTES);
    if (Gcm.open(key, nonce, new byte[0], blob, Gcm.NONCE_BYTES, length, plain, 0) == null) throw wrong();
    return plain;
  }

  private byte[] openCbc(byte[] blob) throws Refusal {
    if (blob.length < 2 * BLOCK_BYTES || blob.length % BLOCK_BYTES != 0) throw truncated();
    byte[] padded;
    try {
      Cipher decipher = Cipher.getInstance("AES/CBC/NoPadding");
      decipher.init(Cipher.DECRYPT_MODE, key, new IvParameterSpec(blob, 0, BLOCK_BYTES));
      padded = decipher.doFinal(blob, BLOCK_BYTES, blob.length - BLOCK_BYTES);
    } catch (GeneralSecurityException bug) {
      throw new IllegalStateException(bug);
    }
    // With keys of 256 bits BigDL's Python pads to blocks of 32 bytes, its Scala to 16.
    int padding = padded[padded.length - 1] & 0xff;
    if (padding < 1 || padding > Math.min(keyBytes, padded.length)) throw wrong();
    int end = padded.length - padding;
    for (int at = end; at < padded.length; at++) if (padded[at] != padding) throw wrong();
    return Arrays.copyOf(padded, end);
  }

  private static String readSecret(String path) throws Refusal {
    // An editor's last newline is not part of it.
    String secret = RedisTls.readSecret(path).replaceFirst("\r?\n\\z", "");
    if (!secret.isEmpty()) return secret;
    throw new Refusal("SERVING_CONFIG", path + " is empty.", "name a file with the secret alone");
  }

  private static Refusal truncated() {
    return new Refusal("DATA_TRUNCATED", "What BigDL encrypted ends too early.", "copy it again, whole");
  }

  private Refusal wrong() {
    String message = "It does not open as " + cipher + " with this secret and salt, or it was changed.";
    String mend = "check both, and the length of the key: BigDL used 128 and 256 bits";
    return new Refusal("KEY_WRONG", message, mend);
  }
}
