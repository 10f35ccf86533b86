// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static bulwark.observe.Events.fields;

import bulwark.cluster.Application;
import bulwark.cluster.Pod;
import bulwark.cluster.Refusal;
import bulwark.cluster.StagedData;
import bulwark.data.DataKeyException;
import bulwark.data.Failures;
import bulwark.log.KeptLog;
import bulwark.log.LogCopy;
import bulwark.observe.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkUserAppException;
import org.apache.spark.deploy.SparkSubmit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Main class of a driver in a cluster: secrets from mounted files into the JVM, then Spark's own submit; at the end
 * outputs are put in their places, and the pod's annotation and exit code say how it went.
 */
public final class KubernetesDriverMain {
  static {
    KeptLog.ofProcess().ifPresent(log -> LogCopy.install("driver", log::keepDriver));
  }

  private static final Logger LOG = LoggerFactory.getLogger(KubernetesDriverMain.class);
  /** System property with the folder of event logs on the release's claim, where it is not the claim itself. */
  private static final String EVENT_LOG = "bulwark.eventlog.folder";

  private static final Path DATASETS = Path.of("/etc/bulwark/conf/datasets.json");

  private KubernetesDriverMain() {}

  /**
   * @param args the arguments of {@code spark-submit}, without master and deploy mode
   */
  public static void main(String[] args) {
    Application application = Application.ofProcess();
    OutputTail tail = OutputTail.install();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> application.report().end(stopped()), "bulwark-last-word"));
    LauncherWatch.start(System.getenv(), application.pod().namespace());
    Map<String, Object> reason = run(application, args, tail);
    application.report().end(reason);
    // A user's program may leave threads of its own behind; when its main method is done, the application is done.
    System.exit(reason == null ? ExitCodes.DONE : ExitCodes.of((String) reason.get("code")));
  }

  /** What a driver says that is told to stop, or whose program ends the JVM itself. */
  private static Map<String, Object> stopped() {
    return fields("message", "the driver was stopped, or its program ended the JVM", "code", "JOB_FAILED");
  }

  /** Runs the application to its end; returns why it failed, or null. */
  private static Map<String, Object> run(Application application, String[] args, OutputTail tail) {
    StagedData data = null;
    try {
      Secrets.enter(new MountedSecrets(MountedSecrets.FOLDER, "driver").read());
      data = StagedData.read(DATASETS, application.pod().prefix());
      data.prepare();
      makeEventLogFolder();
      new SparkSubmit().doSubmit(arguments(application.pod(), data, args));
      if (application.refusal() != null) {
        throw application.refusal();
      }
      data.publish();
      return null;
    } catch (Throwable failure) {
      Map<String, Object> reason = describe(application, failure, tail);
      LOG.error("The application failed ({}): {}", reason.get("code"), reason.get("message"), failure);
      return reason;
    } finally {
      discard(data);
    }
  }

  /** Spark demands that the folder is there, and on a fresh claim nobody has made it. */
  private static void makeEventLogFolder() throws IOException {
    String folder = System.getProperty(EVENT_LOG);
    if (folder != null) {
      Files.createDirectories(Path.of(folder));
    }
  }

  private static void discard(StagedData data) {
    try {
      if (data != null) {
        data.discard();
      }
    } catch (IOException | RuntimeException left) {
      LOG.warn("What the job wrote could not be removed", left);
    }
  }

  private static String[] arguments(Pod pod, StagedData data, String[] args) throws IOException {
    Map<String, String> environment = System.getenv();
    List<String> all = new ArrayList<>();
    all.addAll(List.of("--master", environment.getOrDefault("BULWARK_MASTER", Pod.master(environment))));
    all.addAll(List.of("--deploy-mode", "client"));
    // Executors belong to this pod, find it by its address, and have names of this attempt alone.
    addSetting(all, "spark.kubernetes.driver.pod.name", pod.name());
    addSetting(all, "spark.kubernetes.executor.podNamePrefix", pod.prefix());
    // Not among the settings of the chart: an enclave measures those, and is part of the image itself.
    addSetting(all, "spark.kubernetes.container.image", environment.getOrDefault("BULWARK_IMAGE", ""));
    addSetting(all, "spark.driver.host", pod.address());
    addSetting(all, "spark.driver.bindAddress", pod.address());
    data.settings().forEach((name, value) -> addSetting(all, name, value));
    Arrays.stream(args).map(data::substitute).forEach(all::add);
    return all.toArray(String[]::new);
  }

  private static void addSetting(List<String> all, String name, String value) {
    all.addAll(List.of("--conf", name + "=" + value));
  }

  private static Map<String, Object> describe(Application application, Throwable failure, OutputTail tail) {
    if (application.refusal() != null) {
      return tell(application.refusal().code(), application.refusal().getMessage());
    }
    if (failure instanceof Refusal refusal) {
      return tell(refusal.code(), refusal.getMessage());
    }
    if (failure instanceof DataKeyException refusal) {
      return tell(refusal.code(), refusal.getMessage().replaceFirst("^[A-Z_]+: ", ""));
    }
    if (failure instanceof SparkUserAppException ended) {
      return Failures.describe(tail.text())
          .map(found -> tell(found.code(), found.sentence()))
          .orElseGet(() -> tell("JOB_FAILED", tail.lastException(ended.exitCode())));
    }
    Map<String, Object> reason = Failure.describe(failure);
    reason.putIfAbsent("code", "JOB_FAILED");
    return reason;
  }

  private static Map<String, Object> tell(String code, String message) {
    return fields("code", code, "message", message);
  }
}
