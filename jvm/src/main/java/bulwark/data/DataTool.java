// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Application class of {@code bulwark data}: encrypt, decrypt, inspect, rewrap. Prints one JSON document. Which keys
 * protect an output is in the Hadoop setting {@code bulwark.datasets}, as for every job.
 */
public final class DataTool {
  private interface Command {
    Object run(Map<String, String> options) throws IOException;
  }

  private record Entry(Command command, Set<String> required, Set<String> optional) {}

  private record Rewrapped(int files, int changed, List<DataReport.KeyUse> keys) {}

  private static final Map<String, Entry> COMMANDS =
      Map.of(
          "encrypt",
          new Entry(Conversion::encrypt, Set.of("input", "output"), Set.of("format", "header", "overwrite")),
          "decrypt",
          new Entry(Conversion::decrypt, Set.of("input", "output", "format"), Set.of("overwrite")),
          "inspect",
          new Entry(DataTool::inspect, Set.of("input"), Set.of()),
          "rewrap",
          new Entry(DataTool::rewrap, Set.of("input"), Set.of()));

  private DataTool() {}

  /**
   * @param args a command and its options; {@code --overwrite} may stand without a value
   * @throws DataFileException USAGE, DATA_* and COLUMN_UNKNOWN, or what Spark throws
   */
  public static void main(String[] args) throws IOException {
    System.out.println(new ObjectMapper().writeValueAsString(run(args)));
  }

  static Object run(String[] args) throws IOException {
    Entry entry = args.length == 0 ? null : COMMANDS.get(args[0]);
    if (entry == null) {
      throw usage("the first argument is encrypt, decrypt, inspect or rewrap");
    }
    Map<String, String> options = parseOptions(Arrays.asList(args).subList(1, args.length));
    for (String name : entry.required()) {
      if (!options.containsKey(name)) {
        throw usage(args[0] + " needs --" + name);
      }
    }
    for (String name : options.keySet()) {
      if (!entry.required().contains(name) && !entry.optional().contains(name)) {
        throw usage(args[0] + " has no option --" + name);
      }
    }
    return entry.command().run(options);
  }

  /** The Hadoop configuration as a Spark application would have it, without starting one. */
  private static Configuration configuration() {
    return SparkHadoopUtil.get().newConfiguration(new SparkConf());
  }

  private static Object inspect(Map<String, String> options) throws IOException {
    Configuration conf = configuration();
    return DataReport.read(conf, DataFiles.find(conf, options.get("input")));
  }

  private static Object rewrap(Map<String, String> options) throws IOException {
    Configuration conf = configuration();
    List<Path> files = DataFiles.find(conf, options.get("input"));
    int changed = Rewrap.files(conf, files, Keyring.ofProcess());
    return new Rewrapped(files.size(), changed, DataReport.read(conf, files).keys());
  }

  private static Map<String, String> parseOptions(List<String> args) throws DataFileException {
    Map<String, String> options = new LinkedHashMap<>();
    for (int index = 0; index < args.size(); index++) {
      String name = args.get(index);
      if (!name.startsWith("--")) {
        throw usage("\"" + name + "\" is not an option");
      }
      boolean alone = index + 1 == args.size() || args.get(index + 1).startsWith("--");
      options.put(name.substring(2), alone ? "true" : args.get(++index));
    }
    return options;
  }

  private static DataFileException usage(String sentence) {
    return new DataFileException("USAGE", sentence);
  }
}
