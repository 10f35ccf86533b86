// SPDX-License-Identifier: Apache-2.0
package bulwark.observe;

import static bulwark.observe.Events.fields;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.Success$;
import org.apache.spark.scheduler.JobFailed;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.apache.spark.scheduler.SparkListenerBlockManagerAdded;
import org.apache.spark.scheduler.SparkListenerEnvironmentUpdate;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerStageCompleted;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.scheduler.StageInfo;
import org.apache.spark.util.Utils;

/** Turns Spark's events into the runner's: executors, stages, tasks (at most ten lines a second), failures. */
public final class ProgressListener extends SparkListener {
  private static final long QUIET_NANOS = 100_000_000L;
  private static final Pattern PLANNED =
      Pattern.compile("^spark\\.(ssl|hadoop\\.bulwark|hadoop\\.hadoop\\.security\\.credential\\.provider)\\.");
  private static final Pattern NAMED_SECRET = Pattern.compile("(?i)secret|password|token");

  private final Events events;
  private final SparkConf conf;
  private final Map<Integer, Stage> running = new HashMap<>();
  private long lastTasksLine;

  public ProgressListener(Events events, SparkConf conf) {
    this.events = events;
    this.conf = conf;
  }

  /** The settings as the application has them, redacted as in Spark's own environment page. */
  @Override
  public void onEnvironmentUpdate(SparkListenerEnvironmentUpdate event) {
    Map<String, Object> settings = new TreeMap<>();
    event
        .environmentDetails()
        .get("Spark Properties")
        .foreach(
            properties -> {
              Utils.redact(conf, properties.toSeq()).foreach(entry -> settings.put(entry._1(), entry._2()));
              properties.foreach(
                  entry -> isPlanned(entry._1()) ? settings.put(entry._1(), entry._2()) : null);
              return null;
            });
    events.write("environment", fields("settings", settings));
  }

  // Spark also hides values that contain a word like "token", as the path of a key store or of data may.
  private static boolean isPlanned(String name) {
    return PLANNED.matcher(name).find() && !NAMED_SECRET.matcher(name).find();
  }

  @Override
  public void onBlockManagerAdded(SparkListenerBlockManagerAdded event) {
    events.write(
        "block-manager",
        fields("executor", event.blockManagerId().executorId(), "address", event.blockManagerId().hostPort()));
  }

  @Override
  public void onExecutorAdded(SparkListenerExecutorAdded event) {
    events.write("executor-added", fields("executor", event.executorId()));
  }

  @Override
  public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    events.write(
        "executor-removed",
        fields("executor", event.executorId(), "reason", Failure.firstLine(event.reason())));
  }

  @Override
  public void onStageSubmitted(SparkListenerStageSubmitted event) {
    StageInfo info = event.stageInfo();
    running.put(info.stageId(), new Stage(info.numTasks()));
    events.write("stage", fields("stage", info.stageId(), "name", info.name(), "tasks", info.numTasks()));
  }

  @Override
  public void onTaskStart(SparkListenerTaskStart event) {
    Stage stage = running.get(event.stageId());
    if (stage != null) {
      stage.active++;
    }
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd event) {
    Stage stage = running.get(event.stageId());
    if (stage == null) {
      return;
    }
    stage.active--;
    if (event.reason() == Success$.MODULE$) {
      stage.done++;
    } else {
      stage.failed++;
      String executor = event.taskInfo() == null ? null : event.taskInfo().executorId();
      events.write(
          "task-failed",
          fields("stage", event.stageId(), "executor", executor, "reason", event.reason().toString()));
    }
    long now = System.nanoTime();
    if (now - lastTasksLine > QUIET_NANOS) {
      lastTasksLine = now;
      events.write("tasks", fields("stage", event.stageId(), "done", stage.done, "of", stage.tasks, "active", stage.active));
    }
  }

  @Override
  public void onStageCompleted(SparkListenerStageCompleted event) {
    StageInfo info = event.stageInfo();
    running.remove(info.stageId());
    String reason = info.failureReason().getOrElse(() -> null);
    events.write("stage-done", fields("stage", info.stageId(), "tasks", info.numTasks(), "failure", reason));
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd event) {
    if (event.jobResult() instanceof JobFailed failed) {
      Map<String, Object> described = Failure.describeText(failed.exception().getMessage());
      described.put("job", event.jobId());
      events.write("job-failed", described);
    }
  }

  @Override
  public void onApplicationEnd(SparkListenerApplicationEnd event) {
    events.write("application-end", fields());
  }

  private static final class Stage {
    final int tasks;
    int done;
    int failed;
    int active;

    Stage(int tasks) {
      this.tasks = tasks;
    }
  }
}
