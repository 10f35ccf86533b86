// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Whether what a job wrote is encrypted, told from the first bytes of each file. */
public final class ProtectedFiles {
  /** Parquet with an encrypted footer (Parquet format, Encryption.md), and our codec for text. */
  private static final Set<String> ENCRYPTED = Set.of("PARE", "BWKG");
  private static final int MAGIC_BYTES = 4;

  private ProtectedFiles() {}

  /** The first file below a path that is plaintext, or null. Files without data are passed over. */
  public static Path firstPlain(FileSystem files, Path path) throws IOException {
    RemoteIterator<LocatedFileStatus> found = files.listFiles(path, true);
    while (found.hasNext()) {
      LocatedFileStatus file = found.next();
      if (file.getLen() > 0 && isData(file.getPath().getName()) && !isEncrypted(files, file)) {
        return file.getPath();
      }
    }
    return null;
  }

  // Checksums of ciphertext and wrapped keys are no data.
  private static boolean isData(String name) {
    return !name.startsWith("_KEY_MATERIAL_FOR_") && !(name.startsWith(".") && name.endsWith(".crc"));
  }

  private static boolean isEncrypted(FileSystem files, LocatedFileStatus file) throws IOException {
    if (file.getLen() < MAGIC_BYTES) {
      return false;
    }
    byte[] magic = new byte[MAGIC_BYTES];
    try (FSDataInputStream in = files.open(file.getPath())) {
      in.readFully(magic);
    }
    return ENCRYPTED.contains(new String(magic, StandardCharsets.ISO_8859_1));
  }
}
