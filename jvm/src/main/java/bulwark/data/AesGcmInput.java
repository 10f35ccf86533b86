// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import org.apache.hadoop.io.compress.CompressionInputStream;

/**
 * Reads an {@code .aesgcm} file. No byte is handed out before its frame was verified, and the end only after the last
 * frame was.
 */
final class AesGcmInput extends CompressionInputStream {
  private final AesGcmFrames frames;
  private final byte[] plain = new byte[AesGcmFrames.FRAME_BYTES];
  private final byte[] sealed = AesGcmFrames.sealedBuffer();
  private int position;
  private int filled;
  private boolean ended;

  /**
   * @throws DataFileException DATA_NOT_ENCRYPTED, DATA_TRUNCATED, DATA_TAMPERED, as reading does
   * @throws DataKeyException KEY_MISSING, KEY_WRONG, DATA_TAMPERED
   */
  AesGcmInput(InputStream in, MasterKeys masterKeys) throws IOException {
    super(in);
    AesGcmHeader header = AesGcmHeader.read(in);
    byte[] dataKey = masterKeys.unwrap(header.wrappedKey(), header.keyId());
    frames = new AesGcmFrames(Cipher.DECRYPT_MODE, dataKey, header.digest());
    Arrays.fill(dataKey, (byte) 0);
  }

  @Override
  public int read() throws IOException {
    return hasByte() ? plain[position++] & 0xff : -1;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!hasByte()) {
      return -1;
    }
    int part = Math.min(length, filled - position);
    System.arraycopy(plain, position, bytes, offset, part);
    position += part;
    return part;
  }

  @Override
  public void resetState() throws IOException {
    throw new IOException("an encrypted file cannot be read from its middle");
  }

  @Override
  public void close() throws IOException {
    AesGcmFrames.clear(plain);
    super.close();
  }

  private boolean hasByte() throws IOException {
    while (position == filled && !ended) {
      readFrame();
    }
    return position < filled;
  }

  private void readFrame() throws IOException {
    int word = ByteBuffer.wrap(readExactly(new byte[Integer.BYTES], Integer.BYTES)).getInt();
    boolean last = word < 0;
    int length = word & ~AesGcmOutput.LAST;
    int most = AesGcmFrames.FRAME_BYTES + AesGcmFrames.TAG_BYTES;
    if (last ? length < AesGcmFrames.TAG_BYTES || length > most : length != most) {
      throw tampered(null);
    }
    readExactly(sealed, length);
    try {
      filled = frames.next(sealed, length, last, plain);
      position = 0;
      ended = last;
    } catch (AEADBadTagException changed) {
      throw tampered(changed);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
    if (last && in.read() != -1) {
      throw new DataFileException("DATA_TAMPERED", "bytes were added after the end of an encrypted file");
    }
  }

  private byte[] readExactly(byte[] buffer, int length) throws IOException {
    int read = in.readNBytes(buffer, 0, length);
    if (read < length) {
      throw new DataFileException("DATA_TRUNCATED", "an encrypted file ends within frame " + frames.number());
    }
    return buffer;
  }

  private DataFileException tampered(Throwable cause) {
    String sentence = "frame " + frames.number() + " of an encrypted file was changed";
    return new DataFileException("DATA_TAMPERED", sentence, cause);
  }
}
