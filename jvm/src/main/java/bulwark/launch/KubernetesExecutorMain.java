// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.IOException;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend;

/** Main class of an executor in a cluster: secrets from mounted files into the JVM, then Spark's own executor. */
public final class KubernetesExecutorMain {
  private KubernetesExecutorMain() {}

  /**
   * @param args the arguments of Spark's executor
   */
  public static void main(String[] args) throws IOException {
    Secrets.enter(new MountedSecrets(MountedSecrets.FOLDER, "executor").read());
    KubernetesExecutorBackend.main(args);
  }
}
