// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OutputTailTest {
  private final PrintStream original = System.out;

  @Test
  void passesEverythingOnAndKeepsTheEnd() {
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    System.setOut(new PrintStream(seen, true, StandardCharsets.UTF_8));
    try {
      OutputTail tail = OutputTail.install();
      System.out.println("x".repeat(100_000));
      System.out.print("Traceback (most recent call last):\n  File \"a.py\"\npkg.OwnError: first\nValueError: né\n");
      System.out.write('!');
      assertEquals("ValueError: né", tail.lastException(1));
      assertTrue(tail.text().endsWith("né\n!"));
      assertEquals(64 * 1024, tail.text().getBytes(StandardCharsets.UTF_8).length);
      assertTrue(seen.toString(StandardCharsets.UTF_8).startsWith("x".repeat(100_000)));
    } finally {
      System.setOut(original);
    }
  }

  @Test
  void withoutAnExceptionTheCodeSpeaks() {
    System.setOut(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
    try {
      OutputTail tail = OutputTail.install();
      System.out.println("Errors: 0");
      assertEquals("the program ended with exit code 9", tail.lastException(9));
    } finally {
      System.setOut(original);
    }
  }
}
