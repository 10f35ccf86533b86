// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.HistogramStatistics;
import org.junit.jupiter.api.Test;

class RunCountsTest {
  private static Task task(int rows) {
    Delivery delivery = Delivery.read(1, "5-0", List.of(), 1, 0);
    return new Task(new Ticket(delivery, false, true, null), null, new Checked(List.of(), rows, ""), null, false, null);
  }

  @Test
  void sumsWhatRunsTookByModelAndVersion() {
    try (Reported reported = new Reported()) {
      RunCounts counts = new RunCounts(reported.group(), "m", "2");
      Task one = task(3);
      Task other = task(1);
      long beginNs = Math.max(one.ticket().delivery().takenNs(), other.ticket().delivery().takenNs());
      long waitedUs = 0;
      for (Task task : List.of(one, other)) waitedUs += (beginNs - task.ticket().delivery().takenNs()) / 1_000;
      counts.add(List.of(one, other), beginNs, 40);
      counts.add(List.of(one), one.ticket().delivery().takenNs() + 7_000, 10);
      // Set back meanwhile.
      counts.add(List.of(one), 0, 10);
      Map<String, Long> expected =
          Map.of(
              "nv_inference_request_success", 4L,
              "nv_inference_count", 10L,
              "nv_inference_exec_count", 3L,
              "nv_inference_compute_infer_duration_us", 100L,
              "nv_inference_queue_duration_us", waitedUs + 7,
              "nv_inference_request_duration_us", waitedUs + 107);
      assertEquals(expected, reported.counters("model.m.version.2."));
      HistogramStatistics rows = reported.histogram("model.m.version.2.bulwark_engine_run_rows").getStatistics();
      assertEquals(List.of(3L, 3L, 4L), List.of((long) rows.size(), rows.getMin(), rows.getMax()));
      HistogramStatistics us = reported.histogram("model.m.version.2.bulwark_engine_run_duration_us").getStatistics();
      assertEquals(List.of(10L, 40L), List.of(us.getMin(), us.getMax()));
    }
  }
}
