// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/** The data files behind a path, a folder or a glob. */
final class DataFiles {
  private static final Map<String, String> FORMATS =
      Map.of("csv", "csv", "json", "jsonl", "jsonl", "jsonl", "ndjson", "jsonl", "parquet", "parquet");

  private DataFiles() {}

  /**
   * All data files, in the order of their names; as for Spark, names that begin with a dot or an underscore are not
   * data.
   *
   * @throws DataFileException DATA_MISSING when there is none
   */
  static List<Path> find(Configuration conf, String input) throws IOException {
    Path pattern = new Path(input);
    FileSystem system = pattern.getFileSystem(conf);
    List<Path> files = new ArrayList<>();
    // A name may hold the characters of a glob.
    FileStatus[] roots =
        system.exists(pattern) ? new FileStatus[] {system.getFileStatus(pattern)} : glob(system, pattern);
    for (FileStatus root : roots) {
      collect(system, root, files);
    }
    if (files.isEmpty()) {
      throw new DataFileException("DATA_MISSING", "there is no data at " + input);
    }
    return files.stream().sorted().toList();
  }

  /** csv, jsonl or parquet, by the name of a file, whatever compression it names. */
  static String formatOf(Path file) throws DataFileException {
    String[] parts = file.getName().toLowerCase(Locale.ROOT).split("\\.");
    for (int index = parts.length - 1; index > 0; index--) {
      String format = FORMATS.get(parts[index]);
      if (format != null) {
        return format;
      }
    }
    throw new DataFileException("DATA_FORMAT_UNKNOWN", "the name of " + file + " does not tell its format");
  }

  /** Opens a file, decompressed or decrypted as its name says. */
  static InputStream open(Configuration conf, Path file) throws IOException {
    InputStream in = file.getFileSystem(conf).open(file);
    CompressionCodec codec = new CompressionCodecFactory(conf).getCodec(file);
    return codec == null ? in : codec.createInputStream(in);
  }

  private static FileStatus[] glob(FileSystem system, Path pattern) throws IOException {
    FileStatus[] found = system.globStatus(pattern);
    return found == null ? new FileStatus[0] : found;
  }

  private static void collect(FileSystem system, FileStatus status, List<Path> files) throws IOException {
    if (status.isFile()) {
      files.add(status.getPath());
      return;
    }
    try {
      for (FileStatus child : system.listStatus(status.getPath())) {
        if (!child.getPath().getName().matches("[._].*")) {
          collect(system, child, files);
        }
      }
    } catch (FileNotFoundException gone) {
      throw new DataFileException("DATA_MISSING", status.getPath() + " went away while it was listed", gone);
    }
  }
}
