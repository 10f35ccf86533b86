// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryTest {
  private static ModelFiles.Found file(String name, long bytes) {
    return new ModelFiles.Found(Path.of(name), bytes, "");
  }

  @Test
  void holdsTwiceAFileBesideWhatIsUsed() throws Exception {
    Memory memory = new Memory(1_400, () -> 400);
    memory.demand("m", file("model.onnx", 500));
    Same.refuses("MODEL_MEMORY", () -> memory.demand("m", file("model.onnx", 501)));
    Same.refuses("MODEL_MEMORY", () -> new Memory(1_000, () -> 2_000).demand("m", file("model.onnx", 1)));
    new Memory(0, () -> 2_000).demand("m", file("model.onnx", 1L << 60));
  }

  @Test
  void opensOnTheHeapOnlyWhatItCanHold() throws Exception {
    long most = Runtime.getRuntime().maxMemory() / 2;
    Memory memory = new Memory(0, () -> 0);
    for (String name : List.of("model.onnx.sealed", "model.onnx.bigdl")) {
      memory.demand("m", file(name, most));
      Same.refuses("MODEL_MEMORY", () -> memory.demand("m", file(name, most + 1)));
    }
  }

  @Test
  void isAPartOfWhatThereIsUnlessSomebodySaysHowMuch() {
    Settings settings = new Settings();
    Memory found = Memory.of(settings);
    // What a JVM that runs tests takes at least.
    assertTrue(found.usedBytes().getAsLong() > 1 << 24);
    assertTrue(found.limitBytes() > found.usedBytes().getAsLong());
    settings.memoryLimitBytes = 5L;
    assertTrue(Memory.of(settings).limitBytes() == 5);
  }
}
