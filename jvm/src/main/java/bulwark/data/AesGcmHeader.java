// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * The beginning of an {@code .aesgcm} file: magic (8 bytes), file id (16), key id and wrapped data key (each two bytes
 * of length, then UTF-8).
 *
 * <p>Frames are bound to magic and file id. Key id and wrapped key are not part of that: the wrapped key has a tag of
 * its own that binds the key id, and both change when the file is wrapped under a newer master key.
 */
record AesGcmHeader(byte[] fileId, String keyId, String wrappedKey) {
  static final int FILE_ID_BYTES = 16;
  private static final byte[] MAGIC = "BWKGCM1\n".getBytes(StandardCharsets.US_ASCII);

  /**
   * @throws DataFileException DATA_NOT_ENCRYPTED, DATA_TRUNCATED or DATA_TAMPERED
   */
  static AesGcmHeader read(InputStream in) throws IOException {
    byte[] magic = in.readNBytes(MAGIC.length);
    if (!Arrays.equals(magic, Arrays.copyOf(MAGIC, magic.length))) {
      throw new DataFileException("DATA_NOT_ENCRYPTED", "a file with the suffix .aesgcm does not begin as one");
    }
    DataInputStream data = new DataInputStream(in);
    try {
      byte[] fileId = new byte[FILE_ID_BYTES];
      data.readFully(fileId);
      return new AesGcmHeader(fileId, readText(data), readText(data));
    } catch (EOFException early) {
      throw new DataFileException("DATA_TRUNCATED", "an encrypted file ends within its header", early);
    }
  }

  void write(OutputStream out) throws IOException {
    // One write: a header in pieces would be many small ones on an unbuffered stream.
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.write(MAGIC);
    data.write(fileId);
    writeText(data, keyId);
    writeText(data, wrappedKey);
    out.write(bytes.toByteArray());
  }

  /** What binds each frame to this file. */
  byte[] digest() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(MAGIC);
      return digest.digest(fileId);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static String readText(DataInputStream data) throws IOException {
    byte[] bytes = new byte[data.readUnsignedShort()];
    data.readFully(bytes);
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (!Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes)) {
      throw new DataFileException("DATA_TAMPERED", "the header of an encrypted file was changed");
    }
    return text;
  }

  private static void writeText(DataOutputStream data, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    data.writeShort(bytes.length);
    data.write(bytes);
  }
}
