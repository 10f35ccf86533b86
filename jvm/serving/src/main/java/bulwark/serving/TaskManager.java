// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.plugin.PluginUtils;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.slf4j.LoggerFactory;

/** The process of one of Flink's task managers. */
public final class TaskManager {
  private TaskManager() {}

  /** One argument: the folder of its settings. */
  public static void main(String[] args) throws Exception {
    Configuration configuration = Startup.begin(args, LoggerFactory.getLogger(TaskManager.class)).configuration();
    FileSystem.initialize(configuration, PluginUtils.createPluginManagerFromRootFolder(configuration));
    TaskManagerRunner.runTaskManagerProcessSecurely(configuration);
  }
}
