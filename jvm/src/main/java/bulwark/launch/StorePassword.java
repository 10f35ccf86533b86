// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.data.DataKeyException;
import bulwark.data.PrivateFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;

/**
 * The password of the key stores: the entry {@code password}, or as older deployments have it, a private key {@code
 * key.txt} beside what it opens, {@code output.bin} (RSA, PKCS#1 v1.5).
 */
final class StorePassword {
  /** Algorithm identifier of RSA and a version, as PKCS#8 has them before the key of PKCS#1 (RFC 5958, RFC 8017). */
  private static final byte[] RSA_HEAD = {
    0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00
  };
  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;
  private static final int SHORT_LENGTH = 0x80;

  private StorePassword() {}

  /**
   * @throws DataKeyException KEY_MISSING, or SECRET_MISMATCH when the key does not open the other entry
   */
  static String read(Path folder) throws IOException {
    if (Files.exists(folder.resolve("password")) || !Files.exists(folder.resolve("output.bin"))) {
      return MountedSecrets.readText(folder.resolve("password"));
    }
    Path keyFile = folder.resolve("key.txt");
    Path sealed = folder.resolve("output.bin");
    PrivateFile.require(keyFile);
    PrivateFile.require(sealed);
    try {
      Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
      cipher.init(
          Cipher.DECRYPT_MODE,
          KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(toPkcs8(Files.readString(keyFile)))));
      return new String(cipher.doFinal(Files.readAllBytes(sealed)), StandardCharsets.UTF_8).stripTrailing();
    } catch (GeneralSecurityException | IllegalArgumentException wrong) {
      throw new DataKeyException("SECRET_MISMATCH", "key.txt does not open output.bin");
    }
  }

  private static byte[] toPkcs8(String pem) {
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[^-]+-----", ""));
    return pem.contains("BEGIN RSA PRIVATE KEY") ? wrap(SEQUENCE, join(RSA_HEAD, wrap(OCTETS, der))) : der;
  }

  private static byte[] wrap(int tag, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (content.length < SHORT_LENGTH) {
      out.write(content.length);
    } else {
      // Two octets of length are enough for a key of 64 KiB.
      out.write(SHORT_LENGTH | 2);
      out.write(content.length >> 8);
      out.write(content.length);
    }
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static byte[] join(byte[] one, byte[] other) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(one);
    out.writeBytes(other);
    return out.toByteArray();
  }
}
