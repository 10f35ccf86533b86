// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * What is said of data: its form and its keys, no value.
 *
 * @param rows null when it cannot be known without reading everything ({@code .aesgcm})
 * @param columns by the path of the leaf; version is the oldest that any file needs
 * @param keys every key version in use, which must stay in the keyring
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record DataReport(String format, Long rows, int files, List<ParquetFooter.Column> columns, List<KeyUse> keys) {
  /**
   * @param files how many files need this version
   */
  record KeyUse(String id, int version, int files) {}

  /** Reads footers and headers. */
  static DataReport read(Configuration conf, List<Path> files) throws IOException {
    long rows = 0;
    boolean countable = true;
    TreeSet<String> formats = new TreeSet<>();
    Map<String, ParquetFooter.Column> columns = new LinkedHashMap<>();
    Map<String, Map<Integer, Integer>> uses = new TreeMap<>();
    for (Path file : files) {
      String format = file.getName().endsWith(AesGcmCodec.SUFFIX) ? "aesgcm" : "parquet";
      formats.add(format);
      if (format.equals("aesgcm")) {
        countable = false;
        AesGcmHeader header = readHeader(conf, file);
        use(uses, header.keyId(), MasterKeys.versionOf(header.wrappedKey()));
        continue;
      }
      ParquetFooter footer = ParquetFooter.read(conf, file);
      rows += footer.rows();
      footer.columns().forEach(column -> columns.merge(column.name(), column, DataReport::older));
      keysOf(footer).forEach((key, version) -> use(uses, key, version));
    }
    List<KeyUse> keys = new ArrayList<>();
    uses.forEach((id, versions) -> versions.forEach((version, count) -> keys.add(new KeyUse(id, version, count))));
    return new DataReport(
        String.join("+", formats), countable ? rows : null, files.size(), List.copyOf(columns.values()), keys);
  }

  private static AesGcmHeader readHeader(Configuration conf, Path file) throws IOException {
    try (InputStream in = file.getFileSystem(conf).open(file)) {
      return AesGcmHeader.read(in);
    }
  }

  private static Map<String, Integer> keysOf(ParquetFooter footer) {
    Map<String, Integer> keys = new TreeMap<>();
    footer.columns().stream()
        .filter(column -> column.key() != null)
        .forEach(column -> keys.put(column.key(), column.version()));
    return keys;
  }

  private static void use(Map<String, Map<Integer, Integer>> uses, String key, int version) {
    uses.computeIfAbsent(key, absent -> new TreeMap<>()).merge(version, 1, Integer::sum);
  }

  // A plain file among encrypted ones must show.
  private static ParquetFooter.Column older(ParquetFooter.Column one, ParquetFooter.Column other) {
    if (one.key() == null || other.key() == null) {
      return one.key() == null ? one : other;
    }
    return one.version() <= other.version() ? one : other;
  }
}
