// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which TEE a process seems to run in, by what its kernel shows: no evidence, which only a quote is, but enough to find
 * a pod that was to be in an enclave and is not.
 */
final class Tee {
  private static final Path GRAMINE = Path.of("dev/attestation/attestation_type");
  private static final Path CPU = Path.of("proc/cpuinfo");

  private Tee() {}

  /** sgx, tdx, snp or none; {@code root} is the root of the file system. */
  static String observed(Path root) {
    if (read(root.resolve(GRAMINE)).contains("dcap") && Files.exists(root.resolve("dev/attestation/quote"))) {
      return "sgx";
    }
    String flags = flagsOf(read(root.resolve(CPU)));
    if (flags.contains(" tdx_guest ")) {
      return "tdx";
    }
    // Hosts have the flag sev_snp as well; they have no hypervisor above them.
    return flags.contains(" sev_snp ") && flags.contains(" hypervisor ") ? "snp" : "none";
  }

  private static String flagsOf(String cpu) {
    return cpu.lines().filter(line -> line.startsWith("flags")).findFirst().map(line -> line + " ").orElse("");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException absent) {
      return "";
    }
  }
}
