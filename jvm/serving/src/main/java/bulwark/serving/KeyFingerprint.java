// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Tells one master key from another of the same name and version (packages/queue, fingerprint.ts). */
record KeyFingerprint(String id, int version, String check) {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String PURPOSE = "bulwark record key fingerprint 1";
  private static final int DIGEST_BYTES = 32;
  private static final int CHECK_BYTES = 16;

  static KeyFingerprint of(String id, int version, SecretKey key) {
    // HKDF: extracted without a salt, expanded to one block.
    byte[] extracted = mac(new byte[DIGEST_BYTES], key.getEncoded());
    byte[] derived = mac(extracted, (PURPOSE + "\1").getBytes(StandardCharsets.UTF_8));
    byte[] digest = mac(derived, (id + "\0" + version).getBytes(StandardCharsets.UTF_8));
    String check = Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest, CHECK_BYTES));
    return new KeyFingerprint(id, version, check);
  }

  private static byte[] mac(byte[] key, byte[] content) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
      return mac.doFinal(content);
    } catch (GeneralSecurityException bug) {
      throw new IllegalStateException(bug);
    }
  }
}
