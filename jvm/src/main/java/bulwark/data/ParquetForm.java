// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The outer form of a Parquet file: a magic number at both ends, the length of the footer before the last (Parquet
 * format, "File format" and "Encrypted footer mode"). Looked at first, since Parquet's own words for a file that ends
 * too early are those for a file of another kind.
 */
final class ParquetForm {
  private static final int MAGIC_BYTES = 4;
  private static final int TAIL_BYTES = 8;
  private static final String PLAIN = "PAR1";
  private static final String ENCRYPTED = "PARE";

  private ParquetForm() {}

  /**
   * Whether the file has an encrypted footer.
   *
   * @throws DataFileException DATA_TRUNCATED, DATA_NOT_PARQUET or DATA_TAMPERED
   */
  static boolean isEncrypted(Configuration conf, Path file) throws IOException {
    FileSystem system = file.getFileSystem(conf);
    FileStatus status = system.getFileStatus(file);
    try (FSDataInputStream in = system.open(status.getPath())) {
      return isEncrypted(in, status.getLen(), file);
    }
  }

  private static boolean isEncrypted(FSDataInputStream in, long length, Path file) throws IOException {
    if (length < MAGIC_BYTES) {
      throw new DataFileException("DATA_TRUNCATED", file + " is only " + length + " bytes long");
    }
    String head = magic(in, 0);
    if (!head.equals(PLAIN) && !head.equals(ENCRYPTED)) {
      throw new DataFileException("DATA_NOT_PARQUET", file + " is not a Parquet file");
    }
    if (length < MAGIC_BYTES + TAIL_BYTES || !isMagic(magic(in, length - MAGIC_BYTES))) {
      throw new DataFileException("DATA_TRUNCATED", file + " ends before its footer");
    }
    in.seek(length - TAIL_BYTES);
    long footer = Integer.toUnsignedLong(Integer.reverseBytes(in.readInt()));
    if (!magic(in, length - MAGIC_BYTES).equals(head) || footer > length - TAIL_BYTES - MAGIC_BYTES) {
      throw new DataFileException("DATA_TAMPERED", "the end of " + file + " was changed");
    }
    return head.equals(ENCRYPTED);
  }

  private static boolean isMagic(String text) {
    return text.equals(PLAIN) || text.equals(ENCRYPTED);
  }

  private static String magic(FSDataInputStream in, long position) throws IOException {
    byte[] bytes = new byte[MAGIC_BYTES];
    in.readFully(position, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
