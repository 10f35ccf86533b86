// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Which key protects which folder, as the job file says: the Hadoop setting {@code bulwark.datasets}. */
final class Datasets {
  static final String SETTING = "bulwark.datasets";
  /** Key of Parquet files outside every dataset; absent: those stay as Spark writes them. */
  static final String DEFAULT_KEY = "bulwark.default.key";

  /**
   * @param name as in the job file
   * @param path a URI, or an absolute path
   * @param mode read or write
   * @param key master key of footer and columns; absent: the dataset is plain
   * @param columns master keys of single columns
   */
  record Dataset(String name, String path, String mode, String key, Map<String, String> columns) {
    Dataset {
      columns = columns == null ? Map.of() : Map.copyOf(columns);
    }

    private String location() {
      // Path(String) would take the %20 of a URI for three characters.
      Path parsed = path.startsWith("/") ? new Path(path) : new Path(URI.create(path));
      return parsed.toUri().getPath();
    }

    private boolean holds(Path file) {
      String location = location();
      String candidate = file.toUri().getPath();
      return candidate.equals(location) || candidate.startsWith(location + "/");
    }
  }

  private Datasets() {}

  /**
   * The innermost dataset that a file lies in.
   *
   * @throws DataKeyException DATASETS_INVALID when the setting is not of its form
   */
  static Optional<Dataset> find(Configuration conf, Path file) {
    return parse(conf.get(SETTING, "[]")).stream()
        .filter(dataset -> dataset.holds(file))
        .max(Comparator.comparingInt(dataset -> dataset.location().length()));
  }

  private static List<Dataset> parse(String json) {
    try {
      return new ObjectMapper().readValue(json, new TypeReference<List<Dataset>>() {});
    } catch (JacksonException malformed) {
      throw new DataKeyException("DATASETS_INVALID", "the setting " + SETTING + " is malformed", malformed);
    }
  }
}
