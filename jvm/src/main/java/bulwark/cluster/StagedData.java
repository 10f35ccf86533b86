// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import bulwark.data.ProtectedFiles;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The datasets of a job in a cluster. What it writes goes to a hidden sibling first, and is renamed to its place when
 * the job succeeded and every file there is encrypted; a killed driver leaves no half-written output.
 */
public final class StagedData {
  /** One dataset as the chart writes it; paths are whole. */
  record Dataset(
      String name, String path, String mode, String key, Map<String, String> columns, boolean overwrite) {
    boolean isWritten() {
      return mode.equals("write");
    }
  }

  private static final Pattern REFERENCE = Pattern.compile("\\{data\\.([A-Za-z][A-Za-z0-9_]*)\\}");
  private static final String FORMER = ".bulwark-former-";

  private final List<Dataset> datasets;
  private final String run;
  private final Configuration conf = new Configuration();

  private StagedData(List<Dataset> datasets, String run) {
    this.datasets = datasets;
    this.run = run;
  }

  /**
   * @param file what the chart wrote
   * @param run a name of this attempt alone
   */
  public static StagedData read(java.nio.file.Path file, String run) throws IOException {
    String json = Files.exists(file) ? Files.readString(file) : "[]";
    return new StagedData(new ObjectMapper().readValue(json, new TypeReference<List<Dataset>>() {}), run);
  }

  /** Where the job reads or writes a dataset while it runs. */
  private Path working(Dataset dataset) {
    Path path = new Path(dataset.path());
    return dataset.isWritten() ? new Path(path.getParent(), "." + path.getName() + ".bulwark-" + run) : path;
  }

  /** An argument of the program with paths in place of {@code {data.NAME}}. */
  public String substitute(String argument) {
    Matcher matcher = REFERENCE.matcher(argument);
    return matcher.replaceAll(
        found ->
            Matcher.quoteReplacement(
                datasets.stream()
                    .filter(dataset -> dataset.name().equals(found.group(1)))
                    .map(dataset -> working(dataset).toString())
                    .findFirst()
                    .orElse(found.group())));
  }

  /** Hadoop settings by which files of these datasets are encrypted. */
  public Map<String, String> settings() throws IOException {
    Map<String, String> settings = new TreeMap<>();
    if (datasets.stream().allMatch(dataset -> dataset.key() == null)) {
      return settings;
    }
    List<Map<String, Object>> described = new ArrayList<>();
    for (Dataset dataset : datasets) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", dataset.name());
      one.put("path", working(dataset).toUri().toString());
      one.put("mode", dataset.mode());
      one.put("key", dataset.key());
      one.put("columns", dataset.columns());
      described.add(one);
    }
    settings.put("spark.hadoop.bulwark.datasets", new ObjectMapper().writeValueAsString(described));
    datasets.stream()
        .filter(dataset -> dataset.isWritten() && dataset.key() != null)
        .findFirst()
        .ifPresent(output -> addOutputSettings(settings, output.key()));
    return settings;
  }

  // What a job writes outside its declared datasets is protected by the key of the first output, rather than by none.
  private static void addOutputSettings(Map<String, String> settings, String key) {
    settings.put("spark.hadoop.bulwark.default.key", key);
    settings.put("spark.hadoop.bulwark.text.key", key);
    settings.put("spark.hadoop.mapreduce.output.fileoutputformat.compress", "true");
    settings.put("spark.hadoop.mapreduce.output.fileoutputformat.compress.codec", "bulwark.data.AesGcmCodec");
  }

  /**
   * Checks before anything is asked for that inputs are there and that no output would be overwritten unasked.
   *
   * @throws Refusal DATA_MISSING, OUTPUT_EXISTS
   */
  public void prepare() throws IOException {
    for (Dataset dataset : datasets) {
      Path path = new Path(dataset.path());
      FileSystem files = path.getFileSystem(conf);
      mendFormer(files, path);
      boolean exists = files.exists(path);
      if (!dataset.isWritten() && !exists) {
        throw new Refusal("DATA_MISSING", "data." + dataset.name() + ": " + path + " does not exist");
      }
      if (dataset.isWritten() && exists && !dataset.overwrite()) {
        throw new Refusal("OUTPUT_EXISTS", "data." + dataset.name() + ": " + path + " exists already");
      }
      if (dataset.isWritten() && !files.mkdirs(path.getParent())) {
        throw new IOException(path.getParent() + " cannot be made");
      }
    }
  }

  // A crash between two renames left what was there before under another name.
  private static void mendFormer(FileSystem files, Path path) throws IOException {
    Path former = former(path);
    if (files.exists(former)) {
      if (files.exists(path)) {
        files.delete(former, true);
      } else {
        files.rename(former, path);
      }
    }
  }

  /**
   * Looks at what was written, and puts it in its place.
   *
   * @throws Refusal DATA_NOT_ENCRYPTED, OUTPUT_EXISTS, with nothing published
   */
  public void publish() throws IOException {
    List<Dataset> finished = new ArrayList<>();
    for (Dataset dataset : datasets) {
      Path path = new Path(dataset.path());
      FileSystem files = path.getFileSystem(conf);
      if (!dataset.isWritten() || !files.exists(working(dataset))) {
        continue;
      }
      requireEncrypted(dataset, files);
      if (files.exists(path) && !dataset.overwrite()) {
        throw new Refusal("OUTPUT_EXISTS", path + " came into being while the job ran; nothing was published");
      }
      finished.add(dataset);
    }
    for (Dataset dataset : finished) {
      Path path = new Path(dataset.path());
      FileSystem files = path.getFileSystem(conf);
      boolean replaces = files.exists(path);
      if (replaces) {
        rename(files, path, former(path));
      }
      rename(files, working(dataset), path);
      if (replaces) {
        files.delete(former(path), true);
      }
    }
  }

  private void requireEncrypted(Dataset dataset, FileSystem files) throws IOException {
    if (dataset.key() == null) {
      return;
    }
    Path plain = ProtectedFiles.firstPlain(files, working(dataset));
    if (plain != null) {
      throw new Refusal("DATA_NOT_ENCRYPTED", "data." + dataset.name() + ": the job wrote " + plain.getName() + " as plaintext");
    }
  }

  /** Removes what a job left in staging. */
  public void discard() throws IOException {
    for (Dataset dataset : datasets) {
      if (dataset.isWritten()) {
        Path staging = working(dataset);
        staging.getFileSystem(conf).delete(staging, true);
      }
    }
  }

  private static Path former(Path path) {
    return new Path(path.getParent(), FORMER + path.getName());
  }

  private static void rename(FileSystem files, Path from, Path to) throws IOException {
    if (!files.rename(from, to)) {
      throw new IOException(from + " could not be renamed to " + to);
    }
  }
}
