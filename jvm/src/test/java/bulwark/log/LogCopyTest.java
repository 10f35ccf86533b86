// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LogCopyTest {
  @Test
  void everyLineIsPassedOnAndCopiedWithItsTimeAndPart() {
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    List<String> copied = new ArrayList<>();
    LogCopy copy =
        new LogCopy(seen, "executor-7", line -> copied.add(new String(line, StandardCharsets.UTF_8)));
    try (PrintStream out = new PrintStream(copy, true, StandardCharsets.UTF_8)) {
      out.println("Grüße");
      out.print("two ");
      out.println("halves");
      out.write('\n');
    }
    assertEquals("Grüße\ntwo halves\n\n", seen.toString(StandardCharsets.UTF_8));
    List<String[]> fields = copied.stream().map(line -> line.split(" ", 3)).toList();
    assertEquals(List.of("Grüße\n", "two halves\n"), fields.stream().map(line -> line[2]).toList());
    assertTrue(fields.stream().allMatch(line -> line[1].equals("executor-7")));
    assertTrue(fields.stream().map(line -> Instant.parse(line[0])).noneMatch(Instant.now()::isBefore));
  }

  @Test
  void theOrderOfTextIsThatOfTime() {
    List<String> lines =
        Stream.of("00Z", "00.000000001Z", "00.1Z", "01Z")
            .map(seconds -> "2026-01-01T00:00:" + seconds)
            .map(time -> new String(LogLine.of(Instant.parse(time), "driver", new byte[0]), StandardCharsets.UTF_8))
            .toList();
    assertEquals(lines, lines.stream().sorted().toList());
    assertEquals(1, lines.stream().map(String::length).distinct().count());
  }
}
