// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import org.junit.jupiter.api.Test;

class PodApiTest {
  private static Pod pod(String uid, String phase) {
    var pod = new Pod();
    pod.setMetadata(new ObjectMeta());
    pod.getMetadata().setUid(uid);
    pod.setStatus(new PodStatus());
    pod.getStatus().setPhase(phase);
    return pod;
  }

  @Test
  void aPodHasEndedWhenItIsGoneOrDoneOrAnotherHasItsName() {
    assertTrue(PodApi.isOver(null, "a"));
    assertTrue(PodApi.isOver(pod("b", "Running"), "a"));
    assertTrue(PodApi.isOver(pod("a", "Succeeded"), "a"));
    assertTrue(PodApi.isOver(pod("a", "Failed"), "a"));
  }

  @Test
  void aPodThatWaitsOrRunsOrOfWhichNothingIsKnownHasNot() {
    for (String phase : new String[] {"Pending", "Running", "Unknown", null}) {
      assertFalse(PodApi.isOver(pod("a", phase), "a"), phase);
    }
    var fresh = pod("a", null);
    fresh.setStatus(null);
    assertFalse(PodApi.isOver(fresh, "a"));
  }
}
