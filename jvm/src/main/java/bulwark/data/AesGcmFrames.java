// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Seals and opens the frames of one file. Nonce: the frame's number; the key is of this file alone, so no nonce is
 * used twice. Additional data: file, number, and whether it is the last, so that frames cannot be moved, dropped, or
 * taken from another file.
 */
final class AesGcmFrames {
  /** Plain bytes in each frame but the last, which has 0 to this many. */
  static final int FRAME_BYTES = 64 * 1024;

  static final int TAG_BYTES = 16;
  private static final int NONCE_BYTES = 12;

  private final Cipher cipher;
  private final int mode;
  private final SecretKeySpec key;
  private final byte[] fileDigest;
  private long number;

  /** Takes a copy of the key. */
  AesGcmFrames(int mode, byte[] dataKey, byte[] fileDigest) {
    try {
      this.cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
    this.mode = mode;
    this.key = new SecretKeySpec(dataKey, "AES");
    this.fileDigest = fileDigest;
  }

  /** Number of the frame that comes next. */
  long number() {
    return number;
  }

  /** Seals or opens the next frame and returns how many bytes are in {@code output}. */
  int next(byte[] input, int length, boolean last, byte[] output) throws GeneralSecurityException {
    byte[] nonce = ByteBuffer.allocate(NONCE_BYTES).putLong(NONCE_BYTES - Long.BYTES, number).array();
    cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * 8, nonce));
    cipher.updateAAD(
        ByteBuffer.allocate(fileDigest.length + Long.BYTES + 1)
            .put(fileDigest)
            .putLong(number)
            .put((byte) (last ? 1 : 0))
            .array());
    number++;
    return cipher.doFinal(input, 0, length, output);
  }

  /** A buffer for one sealed frame. */
  static byte[] sealedBuffer() {
    return new byte[FRAME_BYTES + TAG_BYTES];
  }

  static void clear(byte[] plain) {
    Arrays.fill(plain, (byte) 0);
  }
}
