// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import java.util.Map;
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
      @Override
      public void init(PluginContext context, Map<String, String> configuration) {
        try {
          context.send(SelfLook.take(context.executorID(), Pod.of(System.getenv()).name()));
        } catch (java.io.IOException unsent) {
          throw new java.io.UncheckedIOException(unsent);
        }
      }
    };
  }
}
