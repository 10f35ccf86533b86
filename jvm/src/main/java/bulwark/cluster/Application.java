// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static bulwark.observe.Events.fields;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** The application of this driver process: its pod, its report, and why it was refused, if it was. */
public final class Application {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Application OF_PROCESS = new Application(Pod.of(System.getenv()));

  private final Pod pod;
  private final Report report;
  private PodApi api;
  private volatile Refusal refusal;

  private Application(Pod pod) {
    this.pod = pod;
    this.report = new Report(pod, this::api);
  }

  public static Application ofProcess() {
    return OF_PROCESS;
  }

  public Pod pod() {
    return pod;
  }

  /** The one client of this process; it is made when it is first needed, since that takes time. */
  synchronized PodApi api() {
    if (api == null) {
      api = new PodApi(pod.namespace());
    }
    return api;
  }

  public Report report() {
    return report;
  }

  /** Why the application may not run, or null. Programs may swallow the exception; the process does not forget it. */
  public Refusal refusal() {
    return refusal;
  }

  Refusal refuse(String code, String sentence) {
    refusal = new Refusal(code, sentence);
    return refusal;
  }

  /** Tells what was observed: the driver's annotation bulwark/security, and bulwark/tee of each pod. */
  void tell(List<Observation> observations, List<SelfLook> looks) {
    boolean asPlanned = observations.stream().allMatch(Observation::asPlanned);
    Map<String, Object> security =
        fields(
            "apiVersion", "bulwark/v1",
            "run", pod.name(),
            "profile", System.getProperty("bulwark.profile"),
            "tee", pod.tee(),
            "observedAt", Instant.now().toString(),
            "verdict", asPlanned ? "as planned" : "differs",
            "observations", observations);
    report.annotate(pod.name(), Map.of("bulwark/security", write(security)));
    looks.forEach(this::tellTee);
  }

  void tellTee(SelfLook look) {
    // What is simulated must never read as what is not.
    String seen = pod.tee().equals("simulation") && look.tee().equals("none") ? "simulation" : look.tee();
    report.annotate(look.pod(), Map.of("bulwark/tee", seen));
  }

  private static String write(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
