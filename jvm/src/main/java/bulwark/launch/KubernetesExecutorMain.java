// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.log.LogCopy;
import bulwark.log.Outbox;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend;

/** Main class of an executor in a cluster: secrets from mounted files into the JVM, then Spark's own executor. */
public final class KubernetesExecutorMain {
  static {
    Outbox.ofProcess().ifPresent(outbox -> LogCopy.install(outbox.part(), outbox::put));
  }

  /** Arguments of Spark's executor, and the variables in which the driver tells them to a pod. */
  private static final Map<String, String> ARGUMENTS =
      new TreeMap<>(
          Map.of(
              "--driver-url", "SPARK_DRIVER_URL",
              "--executor-id", "SPARK_EXECUTOR_ID",
              "--cores", "SPARK_EXECUTOR_CORES",
              "--app-id", "SPARK_APPLICATION_ID",
              "--hostname", "SPARK_EXECUTOR_POD_IP",
              "--resourceProfileId", "SPARK_RESOURCE_PROFILE_ID",
              "--podName", "SPARK_EXECUTOR_POD_NAME"));

  private KubernetesExecutorMain() {}

  /**
   * @param args the arguments of Spark's executor; none in an enclave, where arguments are measured and so the same for
   *     every executor: then the variables tell
   */
  public static void main(String[] args) throws IOException {
    Secrets.enter(new MountedSecrets(MountedSecrets.FOLDER, "executor").read());
    KubernetesExecutorBackend.main(args.length > 0 ? args : arguments(System.getenv()));
  }

  static String[] arguments(Map<String, String> environment) {
    return ARGUMENTS.entrySet().stream()
        .flatMap(entry -> Stream.of(entry.getKey(), environment.getOrDefault(entry.getValue(), "")))
        .toArray(String[]::new);
  }
}
