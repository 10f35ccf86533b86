// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static bulwark.observe.Events.fields;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class ReportTest {
  private final List<String> written = new CopyOnWriteArrayList<>();
  private final Report report =
      new Report(
          new Pod("pi-abcde", "uid", "10.0.0.1", "team", "none"),
          () -> (pod, annotations) -> written.add(annotations.get("bulwark/progress")));

  private static JsonNode parse(String json) throws IOException {
    return new ObjectMapper().readTree(json);
  }

  private JsonNode last() throws IOException {
    return parse(written.get(written.size() - 1));
  }

  @Test
  void stagesTasksAndExecutorsAreCounted() throws IOException {
    report.start("app-1", 2);
    report.write("executor-added", fields("executor", "1"));
    report.write("executor-added", fields("executor", "2"));
    report.write("executor-removed", fields("executor", "2"));
    report.write("stage", fields("stage", 0, "tasks", 4));
    report.write("stage", fields("stage", 1, "tasks", 6));
    report.write("tasks", fields("stage", 1, "done", 2, "of", 6, "active", 3));
    report.write("stage-done", fields("stage", 0, "tasks", 4));
    report.end(null);
    JsonNode told = last();
    assertEquals("{\"done\":1,\"running\":1,\"failed\":0,\"total\":2}", told.get("stages").toString());
    assertEquals("{\"done\":6,\"running\":3,\"failed\":0,\"total\":10}", told.get("tasks").toString());
    assertEquals("{\"registered\":1,\"wanted\":2}", told.get("executors").toString());
    assertEquals("succeeded", told.get("state").asText());
    assertFalse(told.has("failure"));
  }

  @Test
  void thousandsOfEventsAreFewWrites() throws IOException {
    report.start("app-1", 1);
    report.write("stage", fields("stage", 0, "tasks", 5000));
    for (int task = 0; task < 5000; task++) {
      report.write("tasks", fields("stage", 0, "done", task, "of", 5000, "active", 1));
    }
    report.end(null);
    assertTrue(written.size() <= 3, "wrote " + written.size());
  }

  @Test
  void theReasonOfAFailureNamesStageAndExecutorAndIsKept() throws IOException {
    report.start("app-1", 1);
    report.write("stage", fields("stage", 3, "tasks", 1));
    report.write("task-failed", fields("stage", 3, "executor", "1", "reason", "x"));
    report.write("stage-done", fields("stage", 3, "tasks", 1, "failure", "\nJob aborted\n\tat a"));
    report.end(Map.of("code", "JOB_FAILED", "message", "y".repeat(5000)));
    JsonNode failure = last().get("failure");
    assertEquals("JOB_FAILED", failure.get("code").asText());
    assertEquals(3, failure.get("stage").asInt());
    assertTrue(failure.get("message").asText().length() < 2100);
    assertEquals(1, last().get("tasks").get("failed").asInt());
  }

  @Test
  void theLastWordIsSaidOnceAndAnUnreachableServerFailsNothing() {
    report.end(null);
    report.end(Map.of("message", "later"));
    assertEquals(1, written.size());
    new Report(
            new Pod("a", "b", "c", "d", "none"),
            () -> {
              throw new IllegalStateException("no server");
            })
        .end(null);
  }
}
