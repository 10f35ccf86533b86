// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecordCountsTest {
  private static Outcome outcome(boolean isAlone, String failure, boolean isDead) {
    Delivery delivery = Delivery.read(1, "5-0", List.of(), 1, 0);
    return new Outcome(new Ticket(delivery, isAlone, false, null), new byte[0], failure, isDead, "");
  }

  @Test
  void countsEachRecordByWhatBecameOfIt() {
    try (Reported reported = new Reported()) {
      RecordCounts counts = new RecordCounts(reported.group());
      counts.add(List.of(outcome(false, "", false), outcome(true, "", false), outcome(false, "", false)), 2);
      counts.add(List.of(outcome(false, "TENSOR_SHAPE", false), outcome(true, "MODEL_FAILED", true)), 0);
      counts.add(List.of(outcome(false, "SERVING_DEADLINE", false)), 0);
      counts.add(List.of(outcome(false, "TENSOR_SHAPE", false)), 0);
      String of = ".bulwark_engine_records_total";
      assertEquals(
          Map.of(
              "answered" + of, 3L, "failed" + of, 3L, "expired" + of, 1L, "dead" + of, 1L, "again" + of, 2L,
              "duplicate" + of, 2L),
          reported.counters("outcome."));
      String failed = ".nv_inference_request_failure";
      assertEquals(
          Map.of("TENSOR_SHAPE" + failed, 2L, "MODEL_FAILED" + failed, 1L, "SERVING_DEADLINE" + failed, 1L),
          reported.counters("code."));
    }
  }
}
