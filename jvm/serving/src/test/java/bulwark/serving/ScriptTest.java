// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ScriptTest {
  private static final Path LUA = Path.of("../../packages/queue/src/redis/lua");

  @Test
  void areTheFilesOfTheEmbeddedEngine() throws Exception {
    for (Script script : Script.values()) {
      String text = new String(script.text(), StandardCharsets.UTF_8);
      assertTrue(text.startsWith("#!lua"), script.name());
      String name = script.name().toLowerCase();
      try (var files = Files.list(LUA)) {
        Path file = files.filter(one -> one.getFileName().toString().startsWith(name + "-")).findAny().orElseThrow();
        assertArrayEquals(Files.readAllBytes(file), script.text());
      }
    }
  }
}
