// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.google.gson.Gson;
import com.google.gson.JsonSyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Opens an encrypted model in memory, and nowhere else; its form is that of packages/inference/src/sealed-model.ts. */
final class SealedModel {
  private static final byte[] MAGIC = "BULWARK-MODEL\0\0\1".getBytes(StandardCharsets.ISO_8859_1);
  private static final int KEY_BYTES = 32;
  private static final int LONGEST_HEADER = 65_536;

  /** What stands in the open. */
  private static final class Header {
    String keyId;
    int keyVersion;
    String wrappedKey;
    int chunkBytes;
    long size = -1;
  }

  private SealedModel() {}

  /** Throws MODEL_FORMAT, KEY_MISSING, KEY_WRONG, DATA_TAMPERED, DATA_TRUNCATED. */
  static byte[] open(byte[] sealed, Keyring keyring) throws Refusal {
    int start = MAGIC.length + Integer.BYTES;
    if (sealed.length < start || !Arrays.equals(sealed, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new Refusal("MODEL_FORMAT", "The encrypted model does not begin as one.", "bulwark model encrypt");
    }
    long length = ByteBuffer.wrap(sealed).getInt(MAGIC.length) & 0xffff_ffffL;
    if (length > LONGEST_HEADER) throw malformed();
    if (start + length > sealed.length) throw truncated();
    int end = start + (int) length;
    Header header = parse(new String(sealed, start, (int) length, StandardCharsets.UTF_8));
    SecretKey key = unwrap(header, keyring);
    byte[] model = new byte[(int) header.size];
    byte[] aad = Arrays.copyOf(digest(sealed, end), 33);
    long chunks = Math.max(1, (header.size + header.chunkBytes - 1) / header.chunkBytes);
    int at = end;
    int to = 0;
    for (int number = 0; number < chunks; number++) {
      int bytes = (int) Math.min(header.chunkBytes, header.size - to);
      if (at + bytes + Gcm.TAG_BYTES > sealed.length) throw truncated();
      byte[] nonce = ByteBuffer.allocate(Gcm.NONCE_BYTES).putInt(Gcm.NONCE_BYTES - Integer.BYTES, number).array();
      aad[aad.length - 1] = (byte) (number == chunks - 1 ? 1 : 0);
      if (Gcm.open(key, nonce, aad, sealed, at, bytes + Gcm.TAG_BYTES, model, to) == null) {
        Arrays.fill(model, (byte) 0);
        throw new Refusal("DATA_TAMPERED", "The encrypted model was changed.", "restore it from where it was made");
      }
      at += bytes + Gcm.TAG_BYTES;
      to += bytes;
    }
    if (at != sealed.length) throw new Refusal("DATA_TAMPERED", "Something was added to the model.", "restore it");
    return model;
  }

  private static Header parse(String json) throws Refusal {
    try {
      Header header = new Gson().fromJson(json, Header.class);
      boolean isWhole = header != null && header.keyId != null && header.wrappedKey != null && header.chunkBytes > 0;
      if (isWhole && header.size >= 0 && header.size <= Integer.MAX_VALUE - 64) return header;
    } catch (JsonSyntaxException malformed) {
      // Told below.
    }
    throw malformed();
  }

  private static SecretKey unwrap(Header header, Keyring keyring) throws Refusal {
    SecretKey master = keyring.find(header.keyId, header.keyVersion);
    if (master == null) {
      String message = "The keyring has no version " + header.keyVersion + " of \"" + header.keyId + "\".";
      throw new Refusal("KEY_MISSING", message, "give the engine the keyring with which the model was encrypted");
    }
    String name = "bulwark model key\0" + header.keyId + "\0" + header.keyVersion;
    byte[] key = new byte[KEY_BYTES];
    try {
      byte[] wrapped = Base64.getDecoder().decode(header.wrappedKey);
      if (wrapped.length == Gcm.NONCE_BYTES + KEY_BYTES + Gcm.TAG_BYTES) {
        byte[] nonce = Arrays.copyOf(wrapped, Gcm.NONCE_BYTES);
        byte[] aad = name.getBytes(StandardCharsets.UTF_8);
        int length = wrapped.length - Gcm.NONCE_BYTES;
        if (Gcm.open(master, nonce, aad, wrapped, Gcm.NONCE_BYTES, length, key, 0) != null) {
          return new SecretKeySpec(key, "AES");
        }
      }
    } catch (IllegalArgumentException noBase64) {
      // Told below.
    }
    String message = "The model was encrypted under another key than \"" + header.keyId + "\".";
    throw new Refusal("KEY_WRONG", message, "use the keyring with which it was encrypted");
  }

  private static byte[] digest(byte[] sealed, int end) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(sealed, 0, end);
      return sha256.digest();
    } catch (NoSuchAlgorithmException bug) {
      throw new IllegalStateException(bug);
    }
  }

  private static Refusal malformed() {
    return new Refusal("MODEL_FORMAT", "The encrypted model has a header that cannot be.", "bulwark model encrypt");
  }

  private static Refusal truncated() {
    return new Refusal("DATA_TRUNCATED", "The encrypted model ends too early.", "copy it again, whole");
  }
}
