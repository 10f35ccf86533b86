// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogCopyTest {
  @TempDir Path folder;

  @Test
  void everyLineIsPassedOnAndKeptWithItsTime() throws IOException {
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    Path copy = folder.resolve("driver.log");
    try (FileChannel file = FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        PrintStream out = new PrintStream(new LogCopy(seen, file), true, StandardCharsets.UTF_8)) {
      out.println("Grüße");
      out.print("two ");
      out.println("halves");
      out.write('\n');
    }
    assertEquals("Grüße\ntwo halves\n\n", seen.toString(StandardCharsets.UTF_8));
    List<String> lines = Files.readAllLines(copy);
    assertEquals(List.of("Grüße", "two halves"), lines.stream().map(line -> line.split(" ", 2)[1]).toList());
    assertTrue(lines.stream().map(line -> Instant.parse(line.split(" ", 2)[0])).allMatch(Instant.now()::isAfter));
  }

  @Test
  void aFullClaimEndsTheCopyAndNotTheJob() throws IOException {
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    Path copy = folder.resolve("driver.log");
    FileChannel file = FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    try (PrintStream out = new PrintStream(new LogCopy(seen, file), true, StandardCharsets.UTF_8)) {
      out.println("before");
      file.close();
      out.println("after");
      out.println("later");
    }
    assertEquals(1, Files.readAllLines(copy).size());
    List<String> lines = seen.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals(List.of("before", "after", "later"), lines.stream().filter(line -> !line.contains(" ")).toList());
  }
}
