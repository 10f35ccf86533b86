// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Records by what became of them, and those without a result by its code, as metrics of Flink. Names and outcomes are
 * those of the embedded engine (services/inference-engine, health.ts); its labels are groups here.
 */
final class RecordCounts {
  private final MetricGroup group;
  private final Counter answered;
  private final Counter failed;
  private final Counter expired;
  private final Counter dead;
  private final Counter again;
  private final Counter duplicate;
  private final Map<String, Counter> byCode = new HashMap<>();

  RecordCounts(MetricGroup group) {
    this.group = group;
    answered = count(group, "answered");
    failed = count(group, "failed");
    expired = count(group, "expired");
    dead = count(group, "dead");
    again = count(group, "again");
    duplicate = count(group, "duplicate");
  }

  private static Counter count(MetricGroup group, String outcome) {
    return group.addGroup("outcome", outcome).counter("bulwark_engine_records_total");
  }

  /** Records that were ended, `before` of them by somebody else before. */
  void add(List<Outcome> outcomes, int before) {
    for (Outcome outcome : outcomes) {
      countOutcome(outcome.failure());
      if (outcome.isDead()) dead.inc();
      if (outcome.ticket().isAlone()) again.inc();
    }
    duplicate.inc(before);
  }

  private void countOutcome(String failure) {
    switch (failure) {
      case "" -> answered.inc();
      case "SERVING_DEADLINE" -> expired.inc();
      default -> failed.inc();
    }
    if (!failure.isEmpty()) byCode.computeIfAbsent(failure, this::countFailures).inc();
  }

  private Counter countFailures(String code) {
    return group.addGroup("code", code).counter("nv_inference_request_failure");
  }
}
