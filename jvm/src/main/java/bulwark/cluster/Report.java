// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static bulwark.observe.Events.fields;

import bulwark.observe.Events;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of an application, for everybody who may see its pods: the annotation {@code bulwark/progress} of the
 * driver's own pod, at most every two seconds, and once more at the end.
 */
public final class Report implements Events {
  private static final Logger LOG = LoggerFactory.getLogger(Report.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PROGRESS = "bulwark/progress";
  private static final long PAUSE_MILLIS = 2_000;
  private static final long LAST_WORD_SECONDS = 10;
  private static final int LONGEST_MESSAGE = 2_000;

  /** Who keeps annotations of pods: the API server. */
  interface Annotator {
    void annotate(String pod, Map<String, String> annotations);
  }

  private record Stage(int tasks, int done, int active, boolean ended) {}

  private final Pod pod;
  private final Supplier<? extends Annotator> api;
  private final ScheduledExecutorService writer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "bulwark-report");
            thread.setDaemon(true);
            return thread;
          });
  private final Map<Integer, Stage> stages = new HashMap<>();
  private String applicationId;
  private String state = "starting";
  private int wanted;
  private int registered;
  private int failedStages;
  private int failedTasks;
  private Map<String, Object> failure;
  private long writtenAt;
  private boolean awaited;
  private boolean ended;

  Report(Pod pod, Supplier<? extends Annotator> api) {
    this.pod = pod;
    this.api = api;
  }

  /** The application has an id, and asks for executors. */
  synchronized void start(String id, int executors) {
    applicationId = id;
    wanted = executors;
    change();
  }

  /** starting, observing, running, succeeded or failed. */
  synchronized void enter(String next) {
    state = next;
    change();
  }

  /** Sets further annotations, on this pod or on one of its executors, in order with the others. */
  void annotate(String name, Map<String, String> annotations) {
    writer.execute(() -> patch(name, annotations));
  }

  @Override
  public synchronized void write(String type, Map<String, Object> event) {
    switch (type) {
      case "executor-added" -> registered++;
      case "executor-removed" -> registered--;
      case "stage" -> stages.put((Integer) event.get("stage"), new Stage((Integer) event.get("tasks"), 0, 0, false));
      case "tasks" -> stages.computeIfPresent((Integer) event.get("stage"), (id, stage) ->
          new Stage(stage.tasks(), (Integer) event.get("done"), (Integer) event.get("active"), false));
      case "task-failed" -> failedTasks++;
      case "stage-done" -> endStage(event);
      case "job-failed", "failure" -> fail(event);
      default -> {
        return;
      }
    }
    change();
  }

  private void endStage(Map<String, Object> event) {
    boolean failed = event.containsKey("failure");
    failedStages += failed ? 1 : 0;
    stages.computeIfPresent(
        (Integer) event.get("stage"),
        (id, stage) -> new Stage(stage.tasks(), failed ? stage.done() : stage.tasks(), 0, true));
    if (failed && event.get("failure") instanceof String reason) {
      fail(fields("message", bulwark.observe.Failure.firstLine(reason), "stage", event.get("stage")));
    }
  }

  private void fail(Map<String, Object> reason) {
    Map<String, Object> told = new LinkedHashMap<>(failure == null ? Map.of() : failure);
    told.putAll(reason);
    told.remove("class");
    told.computeIfPresent("message", (key, message) -> shorten((String) message));
    failure = told;
  }

  private static String shorten(String message) {
    return message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE) + " ...";
  }

  /**
   * The last word: how it ended. Returns when it is written, or after ten seconds.
   *
   * @param reason null when all went well
   */
  public void end(Map<String, Object> reason) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      state = reason == null ? "succeeded" : "failed";
      if (reason == null) {
        failure = null;
      } else {
        fail(reason);
      }
      Map<String, String> last = Map.of(PROGRESS, render());
      writer.execute(() -> patch(pod.name(), last));
      writer.shutdown();
    }
    try {
      if (!writer.awaitTermination(LAST_WORD_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("The API server was not told how the application ended");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void change() {
    if (!awaited && !ended) {
      awaited = true;
      long due = writtenAt + PAUSE_MILLIS - System.currentTimeMillis();
      writer.schedule(this::writeProgress, Math.max(0, due), TimeUnit.MILLISECONDS);
    }
  }

  private void writeProgress() {
    Map<String, String> annotation;
    synchronized (this) {
      if (ended) {
        return;
      }
      awaited = false;
      writtenAt = System.currentTimeMillis();
      annotation = Map.of(PROGRESS, render());
    }
    patch(pod.name(), annotation);
  }

  private void patch(String name, Map<String, String> annotations) {
    try {
      api.get().annotate(name, annotations);
    } catch (RuntimeException unreachable) {
      // Progress is for people; the job does not fail because nobody can be told.
      LOG.warn("Cannot annotate {}: {}", name, unreachable.getMessage());
    }
  }

  private String render() {
    int done = stages.values().stream().mapToInt(Stage::done).sum();
    int active = stages.values().stream().mapToInt(Stage::active).sum();
    int tasks = stages.values().stream().mapToInt(Stage::tasks).sum();
    int running = (int) stages.values().stream().filter(stage -> !stage.ended()).count();
    Map<String, Object> progress =
        fields(
            "applicationId", applicationId,
            "state", state,
            "stages", count(stages.size() - running - failedStages, running, failedStages, stages.size()),
            "tasks", count(done, active, failedTasks, tasks),
            "executors", fields("registered", registered, "wanted", wanted),
            "failure", failure);
    try {
      return JSON.writeValueAsString(progress);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Map<String, Object> count(int done, int running, int failed, int total) {
    return fields("done", done, "running", running, "failed", failed, "total", total);
  }
}
