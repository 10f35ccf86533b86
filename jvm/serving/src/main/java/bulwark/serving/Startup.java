// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.util.JvmShutdownSafeguard;
import org.apache.flink.runtime.util.SignalHandler;
import org.slf4j.Logger;

/**
 * What both kinds of Flink process begin with: the folder that is their only argument.
 *
 * @param settingsFile `serving.json`, ours
 * @param configuration `config.yaml`, Flink's own
 */
record Startup(String settingsFile, Configuration configuration) {
  private static final int EXIT_INVALID = 3;

  /** Reads the folder; settings that have findings end the process, with every finding in its log. */
  static Startup begin(String[] args, Logger log) {
    SignalHandler.register(log);
    JvmShutdownSafeguard.installAsShutdownHook(log);
    Path folder = Path.of(args[0]);
    Path settingsFile = folder.resolve(Settings.FILE);
    try {
      if (Settings.read(settingsFile).hasLifeline) Lifeline.watch();
    } catch (Refusal refusal) {
      log.error("{}: {} -> {}", refusal.code(), refusal.getMessage(), refusal.mend());
      System.exit(EXIT_INVALID);
    }
    return new Startup(settingsFile.toString(), GlobalConfiguration.loadConfiguration(folder.toString()));
  }
}
