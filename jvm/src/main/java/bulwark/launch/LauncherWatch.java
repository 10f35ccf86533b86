// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.cluster.Pod;
import bulwark.cluster.PodApi;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a driver whose launcher has ended, however that died: Kubernetes takes the Job for failed then, and a driver that
 * went on would write beside whoever starts the job anew.
 */
final class LauncherWatch {
  private static final Logger LOG = LoggerFactory.getLogger(LauncherWatch.class);
  private static final String NAME = "BULWARK_LAUNCHER_NAME";
  private static final String UID = "BULWARK_LAUNCHER_UID";
  private static final long PAUSE_MS = 5_000;
  /** Exit status of a driver whose launcher died, as a shell shows SIGTERM. */
  static final int LAUNCHER_GONE = 143;

  private LauncherWatch() {}

  /** Settings of Spark by which a driver knows the launcher that it belongs to. */
  static List<String> settings(Pod launcher) {
    return List.of(
        "spark.kubernetes.driverEnv." + NAME + "=" + launcher.name(),
        "spark.kubernetes.driverEnv." + UID + "=" + launcher.uid());
  }

  /** Watches from now on, where this driver belongs to a launcher. */
  static void start(Map<String, String> environment, String namespace) {
    String name = environment.get(NAME);
    if (name == null) {
      return;
    }
    String uid = environment.get(UID);
    Thread watcher =
        new Thread(
            () -> {
              try (PodApi api = new PodApi(namespace)) {
                watch(() -> api.hasEnded(name, uid), PAUSE_MS, System::exit);
              }
            },
            "bulwark-launcher-watch");
    watcher.setDaemon(true);
    watcher.start();
  }

  /** Asks until the launcher has ended, then ends this process; not where the thread is interrupted before. */
  static void watch(BooleanSupplier launcherEnded, long pauseMs, IntConsumer exit) {
    try {
      while (!hasEnded(launcherEnded)) {
        Thread.sleep(pauseMs);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return;
    }
    LOG.error("The launcher has ended, so this driver ends");
    exit.accept(LAUNCHER_GONE);
  }

  /** An API server that does not answer tells nothing; it is asked again. */
  private static boolean hasEnded(BooleanSupplier launcherEnded) {
    try {
      return launcherEnded.getAsBoolean();
    } catch (KubernetesClientException silent) {
      return false;
    }
  }
}
