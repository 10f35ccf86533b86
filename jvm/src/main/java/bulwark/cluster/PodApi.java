// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.net.HttpURLConnection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** What driver and launcher ask of the API server, with the rights of the release's Role. */
public final class PodApi implements Report.Annotator, AutoCloseable {
  private static final String ROLE = "bulwark/role";
  private static final String INSTANCE = "app.kubernetes.io/instance";
  private static final long GONE_LIMIT_SECONDS = 120;
  private static final Set<String> ENDED = Set.of("Succeeded", "Failed");

  private final KubernetesClient client;
  private final String namespace;

  public PodApi(String namespace) {
    this.client = new KubernetesClientBuilder().build();
    this.namespace = namespace;
  }

  /** Sets annotations of a pod and leaves the others. A pod that is gone is nobody's loss. */
  @Override
  public void annotate(String pod, Map<String, String> annotations) {
    var patch = Map.of("metadata", Map.of("annotations", annotations));
    try {
      client
          .pods()
          .inNamespace(namespace)
          .withName(pod)
          .patch(PatchContext.of(PatchType.JSON_MERGE), client.getKubernetesSerialization().asJson(patch));
    } catch (KubernetesClientException refused) {
      if (refused.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw refused;
      }
    }
  }

  /** Executors of one application. */
  List<io.fabric8.kubernetes.api.model.Pod> executors(String applicationId) {
    return client.pods().inNamespace(namespace).withLabel("spark-app-selector", applicationId).list().getItems().stream()
        .filter(pod -> "executor".equals(pod.getMetadata().getLabels().get(ROLE)))
        .toList();
  }

  /** The exit code of a pod's container, or -1 when the pod is gone or never ran. */
  public int exitCode(String name, String container) {
    var pod = client.pods().inNamespace(namespace).withName(name).get();
    if (pod == null || pod.getStatus() == null) {
      return -1;
    }
    return pod.getStatus().getContainerStatuses().stream()
        .filter(status -> status.getName().equals(container) && status.getState().getTerminated() != null)
        .map(status -> status.getState().getTerminated().getExitCode())
        .findFirst()
        .orElse(-1);
  }

  /**
   * Removes what earlier attempts of this release left: pods of a role whose owner has ended. An owner that still runs
   * is another run of a schedule, whose pods are its own.
   *
   * @param self the pod that asks
   * @param role executor, or driver
   * @param wait whether to return only when they are gone
   */
  public void sweep(Pod self, String role, boolean wait) {
    var pods = client.pods().inNamespace(namespace);
    var own = pods.withName(self.name()).get();
    String release = own.getMetadata().getLabels().get(INSTANCE);
    for (var pod : pods.withLabel(INSTANCE, release).withLabel(ROLE, role).list().getItems()) {
      String name = pod.getMetadata().getName();
      boolean another = !name.equals(self.name()) && pod.getMetadata().getOwnerReferences().stream().noneMatch(self::is);
      if (another && pod.getMetadata().getOwnerReferences().stream().allMatch(this::hasEnded)) {
        pods.withName(name).delete();
        if (wait) {
          pods.withName(name).waitUntilCondition(gone -> gone == null, GONE_LIMIT_SECONDS, TimeUnit.SECONDS);
        }
      }
    }
  }

  private boolean hasEnded(OwnerReference owner) {
    return "Pod".equals(owner.getKind()) && hasEnded(owner.getName(), owner.getUid());
  }

  /** Whether a pod has ended or is gone; another one of the same name is not it. */
  public boolean hasEnded(String name, String uid) {
    return isOver(client.pods().inNamespace(namespace).withName(name).get(), uid);
  }

  /** What was found under a pod's name, null for nothing, judged for the pod of that uid. */
  static boolean isOver(io.fabric8.kubernetes.api.model.Pod found, String uid) {
    return found == null
        || !found.getMetadata().getUid().equals(uid)
        || (found.getStatus() != null && ENDED.contains(String.valueOf(found.getStatus().getPhase())));
  }

  @Override
  public void close() {
    client.close();
  }
}
