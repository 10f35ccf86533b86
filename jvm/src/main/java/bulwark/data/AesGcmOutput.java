// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Cipher;
import org.apache.hadoop.io.compress.CompressionOutputStream;

/** Writes an {@code .aesgcm} file: the header, then frames of a length word (top bit: the last) and sealed bytes. */
final class AesGcmOutput extends CompressionOutputStream {
  static final int LAST = 1 << 31;
  private static final int DATA_KEY_BYTES = 32;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final AesGcmFrames frames;
  private final byte[] plain = new byte[AesGcmFrames.FRAME_BYTES];
  private final byte[] sealed = AesGcmFrames.sealedBuffer();
  private int filled;
  private boolean finished;

  AesGcmOutput(OutputStream out, MasterKeys masterKeys, String keyId) throws IOException {
    super(out);
    byte[] dataKey = new byte[DATA_KEY_BYTES];
    byte[] fileId = new byte[AesGcmHeader.FILE_ID_BYTES];
    RANDOM.nextBytes(dataKey);
    RANDOM.nextBytes(fileId);
    AesGcmHeader header = new AesGcmHeader(fileId, keyId, masterKeys.wrap(keyId, dataKey));
    frames = new AesGcmFrames(Cipher.ENCRYPT_MODE, dataKey, header.digest());
    Arrays.fill(dataKey, (byte) 0);
    header.write(out);
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (finished) {
      throw new IOException("write after the end");
    }
    int from = offset;
    int left = length;
    while (left > 0) {
      // Only now is it known that the full frame is not the last.
      if (filled == plain.length) {
        writeFrame(false);
      }
      int part = Math.min(left, plain.length - filled);
      System.arraycopy(bytes, from, plain, filled, part);
      filled += part;
      from += part;
      left -= part;
    }
  }

  /** Writes the last frame, without which a reader refuses the file: a process that dies leaves no valid half. */
  @Override
  public void finish() throws IOException {
    if (!finished) {
      finished = true;
      writeFrame(true);
      AesGcmFrames.clear(plain);
    }
  }

  @Override
  public void resetState() throws IOException {
    throw new IOException("an encrypted file has one part");
  }

  private void writeFrame(boolean last) throws IOException {
    try {
      int length = frames.next(plain, filled, last, sealed);
      out.write(ByteBuffer.allocate(Integer.BYTES).putInt(last ? length | LAST : length).array());
      out.write(sealed, 0, length);
      filled = 0;
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
