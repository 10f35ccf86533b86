// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * Runs of one version of a model, as metrics of Flink. The sums have the names and the meaning that they have in the
 * embedded engine (packages/inference, triton-families.ts); its labels are groups here.
 */
final class RunCounts {
  /** Runs that a histogram tells of: the last ones. */
  private static final int RUNS_SEEN = 1_000;
  private static final long NS_PER_US = 1_000;

  private final Counter requests;
  private final Counter rows;
  private final Counter runs;
  private final Counter totalUs;
  private final Counter queueUs;
  private final Counter computeUs;
  private final Histogram rowsOfRuns;
  private final Histogram usOfRuns;

  RunCounts(MetricGroup operator, String model, String version) {
    MetricGroup group = operator.addGroup("model", model).addGroup("version", version);
    requests = group.counter("nv_inference_request_success");
    rows = group.counter("nv_inference_count");
    runs = group.counter("nv_inference_exec_count");
    totalUs = group.counter("nv_inference_request_duration_us");
    queueUs = group.counter("nv_inference_queue_duration_us");
    computeUs = group.counter("nv_inference_compute_infer_duration_us");
    rowsOfRuns = group.histogram("bulwark_engine_run_rows", new DescriptiveStatisticsHistogram(RUNS_SEEN));
    usOfRuns = group.histogram("bulwark_engine_run_duration_us", new DescriptiveStatisticsHistogram(RUNS_SEEN));
  }

  /**
   * A run that gave results to all that shared it.
   *
   * @param beginNs in nanoseconds since 1970
   */
  void add(List<Task> tasks, long beginNs, long ranUs) {
    long ranRows = 0;
    for (Task task : tasks) {
      // A clock may be set back meanwhile.
      long waitedUs = Math.max(0, (beginNs - task.ticket().delivery().takenNs()) / NS_PER_US);
      ranRows += task.checked().rows();
      queueUs.inc(waitedUs);
      // Each that shared it had to wait for all of it.
      computeUs.inc(ranUs);
      totalUs.inc(waitedUs + ranUs);
    }
    requests.inc(tasks.size());
    rows.inc(ranRows);
    runs.inc();
    rowsOfRuns.update(ranRows);
    usOfRuns.update(ranUs);
  }
}
