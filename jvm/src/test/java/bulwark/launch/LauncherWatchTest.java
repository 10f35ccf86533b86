// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bulwark.cluster.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class LauncherWatchTest {
  private static final long PAUSE_MS = 1;
  private static final long LIMIT_SECONDS = 60;

  /** Exit statuses that were asked for. */
  private final List<Integer> exits = new CopyOnWriteArrayList<>();

  @Test
  void theDriverEndsOnceItsLauncherHasAndNotBefore() {
    var answers =
        new ArrayDeque<BooleanSupplier>(
            List.of(
                () -> false,
                () -> {
                  throw new KubernetesClientException("the API server does not answer");
                },
                () -> false,
                () -> true));
    LauncherWatch.watch(
        () -> {
          assertTrue(exits.isEmpty());
          return answers.remove().getAsBoolean();
        },
        PAUSE_MS,
        exits::add);
    assertEquals(List.of(LauncherWatch.LAUNCHER_GONE), exits);
    assertTrue(answers.isEmpty());
  }

  @Test
  void aDriverWhoseLauncherRunsIsLeftAlone() throws InterruptedException {
    var asked = new CountDownLatch(3);
    BooleanSupplier runs =
        () -> {
          asked.countDown();
          return false;
        };
    var watcher = new Thread(() -> LauncherWatch.watch(runs, PAUSE_MS, exits::add));
    watcher.start();
    assertTrue(asked.await(LIMIT_SECONDS, TimeUnit.SECONDS));
    assertTrue(watcher.isAlive());
    watcher.interrupt();
    watcher.join(TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
    assertFalse(watcher.isAlive());
    assertEquals(List.of(), exits);
  }

  @Test
  void aDriverIsToldWhichPodItsLauncherIs() {
    var settings = LauncherWatch.settings(new Pod("pi-abcde", "uid-1", "10.0.0.1", "namespace", "none"));
    assertEquals(
        List.of(
            "spark.kubernetes.driverEnv.BULWARK_LAUNCHER_NAME=pi-abcde",
            "spark.kubernetes.driverEnv.BULWARK_LAUNCHER_UID=uid-1"),
        settings);
  }
}
