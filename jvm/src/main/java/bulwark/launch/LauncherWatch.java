// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.cluster.Pod;
import bulwark.cluster.PodApi;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Map;
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
  private static final int LAUNCHER_GONE = 143;

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
    Thread watcher = new Thread(() -> watch(namespace, name, environment.get(UID)), "bulwark-launcher-watch");
    watcher.setDaemon(true);
    watcher.start();
  }

  private static void watch(String namespace, String name, String uid) {
    try (PodApi api = new PodApi(namespace)) {
      while (!hasEnded(api, name, uid)) {
        Thread.sleep(PAUSE_MS);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return;
    }
    LOG.error("The launcher {} has ended, so this driver ends", name);
    System.exit(LAUNCHER_GONE);
  }

  /** An API server that does not answer tells nothing; it is asked again. */
  private static boolean hasEnded(PodApi api, String name, String uid) {
    try {
      return api.hasEnded(name, uid);
    } catch (KubernetesClientException silent) {
      return false;
    }
  }
}
