// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import io.fabric8.kubernetes.api.model.OwnerReference;
import java.util.Map;

/**
 * The pod this process runs in, by the variables the chart sets from the downward API.
 *
 * @param tee what the job demands: none, simulation, sgx, tdx, snp
 */
public record Pod(String name, String uid, String address, String namespace, String tee) {
  private static final int LONGEST_PREFIX = 47;
  private static final int SUFFIX = 6;

  /** From the environment of a process. */
  public static Pod of(Map<String, String> environment) {
    return new Pod(
        environment.get("BULWARK_POD_NAME"),
        environment.get("BULWARK_POD_UID"),
        environment.get("BULWARK_POD_IP"),
        environment.get("BULWARK_NAMESPACE"),
        environment.getOrDefault("BULWARK_TEE", "none"));
  }

  /**
   * A name of at most 47 letters, as unique as the pod's: what Spark makes from it must still be a label (its
   * executors append {@code -exec-} and a number of ten digits).
   */
  public String prefix() {
    if (name.length() <= LONGEST_PREFIX) {
      return name;
    }
    // A Job gives each attempt five letters at the end.
    String start = name.substring(0, LONGEST_PREFIX - SUFFIX).replaceAll("[-.]+$", "");
    return start + name.substring(name.length() - SUFFIX);
  }

  boolean is(OwnerReference owner) {
    return uid.equals(owner.getUid());
  }

  /** The API server, by the address every pod is given: no name needs to be looked up. */
  public static String master(Map<String, String> environment) {
    String host = environment.get("KUBERNETES_SERVICE_HOST");
    String bracketed = host.contains(":") ? "[" + host + "]" : host;
    return "k8s://https://" + bracketed + ":" + environment.getOrDefault("KUBERNETES_SERVICE_PORT_HTTPS", "443");
  }
}
