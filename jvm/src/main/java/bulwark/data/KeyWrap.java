// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * One key under another: {@code version:base64(check | nonce | ciphertext | tag)}, AES-256-GCM, 96-bit random nonce
 * (NIST SP 800-38D, 8.2.2), key id and version as additional data.
 *
 * <p>The check value is derived from the master key and tells nothing about it. It tells another key of the same name
 * from a changed text, which a failed tag alone cannot.
 */
final class KeyWrap {
  private static final int CHECK_BYTES = 9;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final SecureRandom RANDOM = new SecureRandom();

  private KeyWrap() {}

  static String wrap(SecretKey master, String keyId, int version, byte[] dataKey) {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    try {
      byte[] sealed = cipher(Cipher.ENCRYPT_MODE, master, nonce, keyId, version).doFinal(dataKey);
      byte[] all = Arrays.copyOf(check(master), CHECK_BYTES + NONCE_BYTES + sealed.length);
      System.arraycopy(nonce, 0, all, CHECK_BYTES, NONCE_BYTES);
      System.arraycopy(sealed, 0, all, CHECK_BYTES + NONCE_BYTES, sealed.length);
      return version + ":" + Base64.getEncoder().encodeToString(all);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static byte[] unwrap(SecretKey master, String keyId, int version, String wrapped) {
    byte[] all = decode(wrapped.substring(wrapped.indexOf(':') + 1), keyId);
    try {
      if (!MessageDigest.isEqual(check(master), Arrays.copyOf(all, CHECK_BYTES))) {
        throw new DataKeyException(
            "KEY_WRONG", "the data was encrypted under another key than version " + version + " of \"" + keyId + "\"");
      }
      byte[] nonce = Arrays.copyOfRange(all, CHECK_BYTES, CHECK_BYTES + NONCE_BYTES);
      int start = CHECK_BYTES + NONCE_BYTES;
      return cipher(Cipher.DECRYPT_MODE, master, nonce, keyId, version).doFinal(all, start, all.length - start);
    } catch (AEADBadTagException changed) {
      throw tampered(keyId, changed);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static byte[] decode(String text, String keyId) {
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      // Java's decoder lets several texts mean the same bytes.
      if (bytes.length > CHECK_BYTES + NONCE_BYTES + TAG_BITS / 8
          && Base64.getEncoder().encodeToString(bytes).equals(text)) {
        return bytes;
      }
      throw tampered(keyId, null);
    } catch (IllegalArgumentException malformed) {
      throw tampered(keyId, malformed);
    }
  }

  private static DataKeyException tampered(String keyId, Throwable cause) {
    return new DataKeyException("DATA_TAMPERED", "a data key wrapped by \"" + keyId + "\" was changed", cause);
  }

  private static Cipher cipher(int mode, SecretKey master, byte[] nonce, String keyId, int version)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, master, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(("bulwark wrapped key 1\0" + version + "\0" + keyId).getBytes(StandardCharsets.UTF_8));
    return cipher;
  }

  private static byte[] check(SecretKey master) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(master);
    return Arrays.copyOf(mac.doFinal("bulwark key check 1".getBytes(StandardCharsets.UTF_8)), CHECK_BYTES);
  }
}
