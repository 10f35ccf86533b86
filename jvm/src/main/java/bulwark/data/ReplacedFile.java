// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumFileSystem;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Puts new content in the place of a file, so that a crash at any point leaves the old or the new. */
final class ReplacedFile {
  /** Writes content; may throw. */
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private ReplacedFile() {}

  static void replace(Configuration conf, Path file, Content content) throws IOException {
    FileSystem system = file.getFileSystem(conf);
    FileSystem raw = system;
    if (system instanceof ChecksumFileSystem checksummed) {
      raw = checksummed.getRawFileSystem();
      // Hadoop cannot rename file and checksum as one, so the checksum goes first: GCM tags stand in for it.
      raw.delete(checksummed.getChecksumFile(file), false);
    }
    Path temporary = new Path(file.getParent(), "." + file.getName() + ".bulwark");
    try (FSDataOutputStream out = raw.create(temporary, true)) {
      content.writeTo(out);
      out.hsync();
    }
    raw.setPermission(temporary, raw.getFileStatus(file).getPermission());
    if (!raw.rename(temporary, file)) {
      throw new IOException("could not rename " + temporary + " to " + file);
    }
  }
}
