// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** After a rotation: wraps the keys of files under the current version of each master key. Data are not rewritten. */
final class Rewrap {
  private Rewrap() {}

  /**
   * Files are done one by one, each by rename; what is current already is left alone, so it can simply be run again.
   *
   * @return how many files were changed
   */
  static int files(Configuration conf, List<Path> files, MasterKeys masterKeys) throws IOException {
    int changed = 0;
    for (Path file : files) {
      boolean text = file.getName().endsWith(AesGcmCodec.SUFFIX);
      if (text ? header(conf, file, masterKeys) : parquet(conf, file, masterKeys)) {
        changed++;
      }
    }
    return changed;
  }

  private static boolean parquet(Configuration conf, Path file, MasterKeys masterKeys) throws IOException {
    if (!ParquetForm.isEncrypted(conf, file)) {
      throw new DataFileException("DATA_NOT_ENCRYPTED", file + " is plain: there are no keys to wrap");
    }
    return KeyMaterial.read(conf, file).rewrap(conf, masterKeys);
  }

  private static boolean header(Configuration conf, Path file, MasterKeys masterKeys) throws IOException {
    try (InputStream in = file.getFileSystem(conf).open(file)) {
      AesGcmHeader old = AesGcmHeader.read(in);
      if (MasterKeys.versionOf(old.wrappedKey()) == masterKeys.currentVersion(old.keyId())) {
        return false;
      }
      String wrapped = KeyMaterial.rewrap(masterKeys, old.keyId(), old.wrappedKey());
      // The header may grow, so the sealed frames are copied as they are.
      ReplacedFile.replace(
          conf,
          file,
          out -> {
            new AesGcmHeader(old.fileId(), old.keyId(), wrapped).write(out);
            in.transferTo(out);
          });
      return true;
    }
  }
}
