// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.metrics.MetricRegistryConfiguration;
import org.apache.flink.runtime.metrics.MetricRegistryImpl;
import org.apache.flink.runtime.metrics.ReporterSetup;
import org.apache.flink.runtime.metrics.groups.TaskManagerMetricGroup;

/** Metrics as Flink's own registry tells them to whoever reads them, by their groups and names. */
final class Reported implements AutoCloseable {
  private static final String PREFIX = "host.taskmanager.id.";

  private final Map<String, Metric> metrics = new ConcurrentHashMap<>();
  private final MetricRegistryImpl registry;
  private final MetricGroup group;

  Reported() {
    var settings = MetricRegistryConfiguration.fromConfiguration(new Configuration(), Long.MAX_VALUE);
    var reader = new ReporterSetup("test", new MetricConfig(), new Reader(), (metric, name, of) -> true, Map.of());
    registry = new MetricRegistryImpl(settings, List.of(reader));
    group = TaskManagerMetricGroup.createTaskManagerMetricGroup(registry, "host", new ResourceID("id"));
  }

  MetricGroup group() {
    return group;
  }

  /** All counters whose names begin so, by the rest of their names. */
  Map<String, Long> counters(String prefix) {
    Map<String, Long> counts = new TreeMap<>();
    metrics.forEach((name, metric) -> {
      if (metric instanceof Counter counter && name.startsWith(prefix)) {
        counts.put(name.substring(prefix.length()), counter.getCount());
      }
    });
    return counts;
  }

  Histogram histogram(String name) {
    return (Histogram) metrics.get(name);
  }

  @Override
  public void close() {
    registry.closeAsync().join();
  }

  private final class Reader implements MetricReporter {
    @Override
    public void open(MetricConfig config) {}

    @Override
    public void close() {}

    @Override
    public void notifyOfAddedMetric(Metric metric, String name, MetricGroup of) {
      metrics.put(of.getMetricIdentifier(name).substring(PREFIX.length()), metric);
    }

    @Override
    public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup of) {}
  }
}
