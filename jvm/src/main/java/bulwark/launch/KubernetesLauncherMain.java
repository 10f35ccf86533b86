// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.cluster.Pod;
import bulwark.cluster.PodApi;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.deploy.SparkSubmit;

/**
 * Main class of the launcher of {@code deployMode: cluster}: Spark's own submit makes a pod for the driver, which belongs
 * to this one and goes with it. It ends as the driver ends, and the driver when it dies. It holds no secret.
 */
public final class KubernetesLauncherMain {
  private static final Path TEMPLATE = Path.of("/etc/bulwark/conf/driver.yaml");
  /** Where the settings of the chart name the template. */
  private static final Path OWNED_TEMPLATE = Path.of("/tmp/driver.yaml");
  private static final String CONTAINER = "spark-driver";

  private KubernetesLauncherMain() {}

  /**
   * @param args the arguments of {@code spark-submit}, without master and deploy mode
   */
  public static void main(String[] args) throws IOException {
    Pod pod = Pod.of(System.getenv());
    String driver = pod.prefix() + "-driver";
    writeTemplate(pod);
    try (PodApi api = new PodApi(pod.namespace())) {
      // Never two drivers: one that an earlier launcher left behind goes first.
      api.sweep(pod, "driver", true);
      new SparkSubmit().doSubmit(arguments(pod, driver, args));
      int code = api.exitCode(driver, CONTAINER);
      System.exit(code < 0 ? ExitCodes.of(null) : code);
    }
  }

  private static void writeTemplate(Pod pod) throws IOException {
    ObjectMapper json = new ObjectMapper();
    ObjectNode template = (ObjectNode) json.readTree(TEMPLATE.toFile());
    Map<String, Object> owner =
        Map.of("apiVersion", "v1", "kind", "Pod", "name", pod.name(), "uid", pod.uid(), "controller", true);
    ((ObjectNode) template.get("metadata")).set("ownerReferences", json.valueToTree(List.of(owner)));
    json.writeValue(OWNED_TEMPLATE.toFile(), template);
  }

  private static String[] arguments(Pod pod, String driver, String[] args) {
    Map<String, String> environment = System.getenv();
    String master = environment.getOrDefault("BULWARK_MASTER", Pod.master(environment));
    List<String> all = new ArrayList<>(List.of("--master", master, "--deploy-mode", "cluster"));
    all.addAll(List.of("--conf", "spark.kubernetes.driver.pod.name=" + driver));
    all.addAll(List.of("--conf", "spark.kubernetes.container.image=" + environment.getOrDefault("BULWARK_IMAGE", "")));
    all.addAll(List.of("--conf", "spark.kubernetes.driver.master=" + master.replaceFirst("^k8s://", "")));
    LauncherWatch.settings(pod).forEach(setting -> all.addAll(List.of("--conf", setting)));
    all.addAll(Arrays.asList(args));
    return all.toArray(String[]::new);
  }
}
