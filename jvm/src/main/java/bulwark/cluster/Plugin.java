// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import bulwark.log.LogSender;
import bulwark.log.Outbox;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/** Looks at an application in a cluster from inside both of its roles, through Spark's own extension point. */
public final class Plugin implements SparkPlugin {
  @Override
  public DriverPlugin driverPlugin() {
    return new Gate();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      private Optional<LogSender> logs = Optional.empty();

      @Override
      public void init(PluginContext context, Map<String, String> configuration) {
        try {
          context.send(SelfLook.take(context.executorID(), Pod.of(System.getenv()).name()));
        } catch (java.io.IOException unsent) {
          throw new java.io.UncheckedIOException(unsent);
        }
        logs = Outbox.ofProcess().map(outbox -> LogSender.start(outbox, context.executorID(), context::ask));
      }

      @Override
      public void shutdown() {
        logs.ifPresent(LogSender::finish);
      }
    };
  }
}
