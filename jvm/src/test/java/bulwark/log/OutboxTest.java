// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboxTest {
  private static final int PLENTY = 1000;

  private static byte[] line(String text) {
    return (text + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> take(Outbox outbox, int most) throws InterruptedException {
    return new String(outbox.take(most), StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void linesComeInTheirOrderAndNoMoreThanAskedForUnlessOneIsLonger() throws InterruptedException {
    Outbox outbox = new Outbox("executor-1", PLENTY);
    List.of("one", "two", "much longer than eight").forEach(text -> outbox.put(line(text)));
    assertEquals(List.of("one", "two"), take(outbox, 8));
    assertEquals(List.of("much longer than eight"), take(outbox, 8));
  }

  @Test
  void withoutRoomLinesAreDroppedAndCountedUntilThoseBeforeAreGone() throws InterruptedException {
    Outbox outbox = new Outbox("executor-1", 10);
    List.of("one", "two", "three", "4").forEach(text -> outbox.put(line(text)));
    assertEquals(List.of("one"), take(outbox, 4));
    outbox.put(line("5"));
    List<String> rest = take(outbox, 4);
    assertEquals("two", rest.get(0));
    assertEquals(2, rest.size());
    assertTrue(rest.get(1).matches("\\S+ executor-1 .*\\b3 lines.*"), rest.get(1));
    outbox.put(line("six"));
    assertEquals(List.of("six"), take(outbox, 4));
  }

  @Test
  void afterItsEndItGivesWhatIsLeftAndThenNothing() throws InterruptedException {
    Outbox outbox = new Outbox("executor-1", PLENTY);
    outbox.put(line("last"));
    outbox.end();
    outbox.put(line("too late"));
    assertEquals(List.of("last"), take(outbox, PLENTY));
    assertEquals(List.of(), take(outbox, PLENTY));
  }
}
