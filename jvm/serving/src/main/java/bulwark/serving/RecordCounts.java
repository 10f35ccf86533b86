// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Records by what became of them, as metrics of Flink. Name and outcomes are those of the embedded engine
 * (services/inference-engine, health.ts); its label is a group here.
 */
final class RecordCounts {
  private static final String NAME = "bulwark_engine_records_total";

  private final Counter answered;
  private final Counter failed;
  private final Counter expired;
  private final Counter dead;
  private final Counter again;
  private final Counter duplicate;

  RecordCounts(MetricGroup group) {
    answered = count(group, "answered");
    failed = count(group, "failed");
    expired = count(group, "expired");
    dead = count(group, "dead");
    again = count(group, "again");
    duplicate = count(group, "duplicate");
  }

  private static Counter count(MetricGroup group, String outcome) {
    return group.addGroup("outcome", outcome).counter(NAME);
  }

  /** Records that were ended, `before` of them by somebody else before. */
  void add(List<Outcome> outcomes, int before) {
    for (Outcome outcome : outcomes) {
      counterOf(outcome.failure()).inc();
      if (outcome.isDead()) dead.inc();
      if (outcome.ticket().isAlone()) again.inc();
    }
    duplicate.inc(before);
  }

  private Counter counterOf(String failure) {
    return switch (failure) {
      case "" -> answered;
      case "SERVING_DEADLINE" -> expired;
      default -> failed;
    };
  }
}
