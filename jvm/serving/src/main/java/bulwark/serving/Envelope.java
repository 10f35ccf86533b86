// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * What seals one record and its result; byte by byte as packages/queue/src/sealing/envelope.ts says. An envelope
 * that is open holds the record's data key, and seals the answer under it.
 */
final class Envelope {
  private static final byte[] MAGIC = "BWR1".getBytes(StandardCharsets.US_ASCII);
  private static final int KEY_BYTES = 32;
  private static final int WRAPPED_BYTES = Gcm.NONCE_BYTES + KEY_BYTES + Gcm.TAG_BYTES;

  private final byte[] head;
  private final SecretKey key;
  private final String[] place;

  private Envelope(byte[] head, SecretKey key, String[] place) {
    this.head = head;
    this.key = key;
    this.place = place;
  }

  /** Unwraps the data key of a record. Throws RECORD_MALFORMED, RECORD_KEY_UNKNOWN, RECORD_TAMPERED. */
  static Envelope open(Keyring keyring, byte[] sealed, String stream, String uri, String model) throws Refusal {
    String[] place = {stream, uri, model == null ? "" : model};
    int length = headLength(sealed);
    int idAt = MAGIC.length + 1;
    int wrappedAt = length - WRAPPED_BYTES;
    String id = new String(sealed, idAt, wrappedAt - Integer.BYTES - idAt, StandardCharsets.UTF_8);
    int version = ByteBuffer.wrap(sealed).getInt(wrappedAt - Integer.BYTES);
    SecretKey master = keyring.find(id, version);
    if (master == null) {
      String message = "The record is sealed under version " + version + " of a master key that is not at hand.";
      String mend = "give the engine the keyring that the gateway uses: bulwark keys show";
      throw new Refusal("RECORD_KEY_UNKNOWN", message, mend);
    }
    byte[] raw = decrypt(master, sealed, wrappedAt, WRAPPED_BYTES, aad("key", place));
    SecretKey key = new SecretKeySpec(raw, "AES");
    Arrays.fill(raw, (byte) 0);
    return new Envelope(Arrays.copyOf(sealed, length), key, place);
  }

  /** The content of the request. Throws RECORD_TAMPERED. */
  byte[] request(byte[] sealed) throws Refusal {
    return decrypt(key, sealed, head.length, sealed.length - head.length, aad("request", place));
  }

  /** What a gateway orders engines to do. Throws RECORD_TAMPERED. */
  byte[] order(byte[] sealed) throws Refusal {
    return decrypt(key, sealed, head.length, sealed.length - head.length, aad("order", place));
  }

  /** The result, sealed under the record's data key. */
  byte[] result(byte[] content) {
    byte[] sealed = Arrays.copyOf(head, head.length + Gcm.NONCE_BYTES + content.length + Gcm.TAG_BYTES);
    Gcm.seal(key, aad("result", place), content, sealed, head.length);
    return sealed;
  }

  /** The answer for a record whose key could not be opened: a code and nothing else, since it is not sealed. */
  static byte[] bareFailure(String code) {
    return ("BWE1" + code).getBytes(StandardCharsets.US_ASCII);
  }

  private static int headLength(byte[] sealed) throws Refusal {
    if (sealed.length > MAGIC.length && Arrays.equals(sealed, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      int length = MAGIC.length + 1 + (sealed[MAGIC.length] & 0xff) + Integer.BYTES + WRAPPED_BYTES;
      if (sealed.length >= length + Gcm.NONCE_BYTES + Gcm.TAG_BYTES) return length;
    }
    throw new Refusal("RECORD_MALFORMED", "This is no sealed record.", "look who else writes to the stream");
  }

  private static byte[] decrypt(SecretKey key, byte[] sealed, int at, int length, byte[] aad) throws Refusal {
    byte[] nonce = Arrays.copyOfRange(sealed, at, at + Gcm.NONCE_BYTES);
    byte[] content = new byte[length - Gcm.NONCE_BYTES - Gcm.TAG_BYTES];
    int from = at + Gcm.NONCE_BYTES;
    if (Gcm.open(key, nonce, aad, sealed, from, length - Gcm.NONCE_BYTES, content, 0) != null) return content;
    String message = "A sealed record does not open: it was changed, or belongs to another record.";
    throw new Refusal("RECORD_TAMPERED", message, "look who else may write to Redis; the record is not computed");
  }

  /** Each part with its length in front, so that no two places have the same bytes. */
  private static byte[] aad(String purpose, String[] place) {
    byte[][] parts = new byte[1 + place.length][];
    parts[0] = purpose.getBytes(StandardCharsets.UTF_8);
    for (int at = 0; at < place.length; at++) parts[at + 1] = place[at].getBytes(StandardCharsets.UTF_8);
    ByteBuffer aad = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(part -> Integer.BYTES + part.length).sum());
    for (byte[] part : parts) aad.putInt(part.length).put(part);
    return aad.array();
  }
}
