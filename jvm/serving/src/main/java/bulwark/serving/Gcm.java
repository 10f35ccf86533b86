// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/** AES-256-GCM over pieces of byte strings, with a tag of 16 bytes behind the ciphertext. */
final class Gcm {
  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;
  private static final int TAG_BITS = 128;
  private static final SecureRandom RANDOM = new SecureRandom();

  private Gcm() {}

  /** Opens ciphertext and tag into `out`. Null: it was changed, or belongs elsewhere. */
  static Integer open(
      SecretKey key, byte[] nonce, byte[] aad, byte[] sealed, int from, int length, byte[] out, int at) {
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(aad);
      return cipher.doFinal(sealed, from, length, out, at);
    } catch (AEADBadTagException tampered) {
      return null;
    } catch (GeneralSecurityException bug) {
      throw new IllegalStateException(bug);
    }
  }

  /** Writes nonce, ciphertext and tag behind what stands in `out`. */
  static void seal(SecretKey key, byte[] aad, byte[] content, byte[] out, int at) {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    System.arraycopy(nonce, 0, out, at, NONCE_BYTES);
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(aad);
      cipher.doFinal(content, 0, content.length, out, at + NONCE_BYTES);
    } catch (GeneralSecurityException bug) {
      throw new IllegalStateException(bug);
    }
  }
}
