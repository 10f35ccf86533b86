// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PodTest {
  private static Pod named(String name) {
    return new Pod(name, "uid", "10.0.0.1", "team", "none");
  }

  @Test
  void prefixesOfAttemptsDifferAndLeaveRoomForSpark() {
    assertEquals("pi-abcde", named("pi-abcde").prefix());
    String release = "a".repeat(58);
    String one = named(release + "-abcde").prefix();
    String other = named(release + "-fghij").prefix();
    assertNotEquals(one, other);
    assertTrue(one.length() <= 47, one);
    assertTrue(one.matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?"), one);
  }

  @Test
  void theApiServerIsFoundByAddress() {
    assertEquals("k8s://https://10.96.0.1:443", Pod.master(Map.of("KUBERNETES_SERVICE_HOST", "10.96.0.1")));
    assertEquals(
        "k8s://https://[fd00::1]:6443",
        Pod.master(Map.of("KUBERNETES_SERVICE_HOST", "fd00::1", "KUBERNETES_SERVICE_PORT_HTTPS", "6443")));
  }

  @Test
  void aTeeIsSeenByWhatTheKernelShows(@TempDir Path root) throws IOException {
    assertEquals("none", Tee.observed(root));
    Files.createDirectories(root.resolve("proc"));
    Files.writeString(root.resolve("proc/cpuinfo"), "flags\t\t: fpu sev_snp\n");
    assertEquals("none", Tee.observed(root), "a host of confidential VMs is none");
    Files.writeString(root.resolve("proc/cpuinfo"), "flags\t\t: fpu hypervisor sev_snp\n");
    assertEquals("snp", Tee.observed(root));
    Files.writeString(root.resolve("proc/cpuinfo"), "flags\t\t: fpu hypervisor tdx_guest\n");
    assertEquals("tdx", Tee.observed(root));
    Files.createDirectories(root.resolve("dev/attestation"));
    Files.writeString(root.resolve("dev/attestation/attestation_type"), "none");
    assertEquals("tdx", Tee.observed(root), "gramine-direct is no enclave");
    Files.writeString(root.resolve("dev/attestation/attestation_type"), "dcap");
    Files.writeString(root.resolve("dev/attestation/quote"), "");
    assertEquals("sgx", Tee.observed(root));
  }
}
