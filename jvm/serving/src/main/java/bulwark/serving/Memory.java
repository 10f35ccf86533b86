// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * What this process may use, and whether a model fits into what is left of it (packages/inference, create-engine.ts and
 * memory.ts).
 *
 * @param limitBytes 0 where nobody looks
 * @param usedBytes what the process uses now
 */
record Memory(long limitBytes, LongSupplier usedBytes) {
  /** Rough memory of a loaded model beside its file: what ONNX Runtime makes of the weights. */
  private static final int COPIES = 2;
  /** Of all the memory there is, where nobody said how much; the rest is for the system, and all that is no model. */
  private static final double SHARE = 0.75;
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmRSS:";
  private static final double MIB = 1 << 20;

  static Memory of(Settings settings) {
    Long given = settings.memoryLimitBytes;
    return new Memory(given == null ? (long) (SHARE * readThere()) : given, Memory::readResident);
  }

  /** Throws MODEL_MEMORY for a model whose file would not fit any more. */
  void demand(String model, ModelFiles.Found file) throws Refusal {
    long needed = file.bytes() * COPIES;
    // What is encrypted lies on the heap beside what it opens to.
    long heap = Runtime.getRuntime().maxMemory();
    if (file.isEncrypted() && needed > heap) {
      throw tooLarge(model, needed, heap, "serve this model with the embedded engine");
    }
    if (limitBytes == 0) return;
    long left = Math.max(0, limitBytes - usedBytes.getAsLong());
    if (needed <= left) return;
    String mend = "unload another model, lower its instances, or raise the memory that the process may use";
    throw tooLarge(model, needed, left, mend);
  }

  private static Refusal tooLarge(String model, long needed, long left, String mend) {
    String need = Refusal.quote(model) + " needs about " + toMib(needed) + " MiB; ";
    return new Refusal("MODEL_MEMORY", need + toMib(left) + " MiB are left", mend);
  }

  /** Bytes of the container, where it has a limit, else of the machine. */
  private static long readThere() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  /** Bytes of this process in memory; 0 where the system does not tell. */
  private static long readResident() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(RESIDENT)) return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
      }
    } catch (IOException untold) {
      // Then the limit alone counts.
    }
    return 0;
  }

  private static long toMib(long bytes) {
    return Math.round(bytes / MIB);
  }
}
