// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComputerTest {
  @TempDir Path folder;

  /** A record that came in so long ago, of which its asker waited a second, and which is none of any client. */
  private static Ticket ticket(long agoMs, int deliveries) {
    return ticket(agoMs, deliveries, 1);
  }

  /** The same of so many requests. */
  private static Ticket ticket(long agoMs, int deliveries, int requests) {
    List<byte[]> fields =
        Stream.of("data", "none", "budget", "1000", "requests", "" + requests)
            .map(text -> text.getBytes(StandardCharsets.UTF_8))
            .toList();
    String id = System.currentTimeMillis() - agoMs + "-0";
    return new Ticket(Delivery.read(1, id, fields, deliveries, 0), false, true, null);
  }

  @Test
  void buriesWhatMayHaveTakenItsEngineDownAndIsTooLateToBeTried() throws Exception {
    Settings settings = new Settings();
    byte[] echo = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
    settings.models = Files.write(folder.resolve("echo.onnx"), echo).toString();
    try (Models models = Models.load(settings, null)) {
      Computer computer = new Computer(settings, models, Keyring.read(null));
      Same.refuses("SERVING_DEADLINE", () -> computer.open(ticket(2_000, 1)));
      for (int deliveries : new int[] {2, 6}) {
        Ticket late = ticket(2_000, deliveries);
        Refusal refusal = assertThrows(Refusal.class, () -> computer.open(late));
        assertEquals("QUEUE_DELIVERIES", computer.refuse(late, refusal).reason());
      }
      // In time: it is looked at, as often as may be.
      Same.refuses("TENSOR_MALFORMED", () -> computer.open(ticket(-60_000, 5)));
      Same.refuses("QUEUE_DELIVERIES", () -> computer.open(ticket(-60_000, 6)));
    }
  }

  @Test
  void triesARecordOfSeveralRequestsOnceAndBuriesItOnlyWhenNobodySendsThemAlone() throws Exception {
    Settings settings = new Settings();
    byte[] echo = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
    settings.models = Files.write(folder.resolve("echo.onnx"), echo).toString();
    try (Models models = Models.load(settings, null)) {
      Computer computer = new Computer(settings, models, Keyring.read(null));
      Refusal failed = new Refusal("MODEL_FAILED", "", "");
      assertEquals("", computer.refuse(ticket(-60_000, 1, 2), failed).reason());
      assertEquals("MODEL_FAILED", computer.refuse(ticket(2_000, 1, 2), failed).reason());
      Same.refuses("TENSOR_MALFORMED", () -> computer.open(ticket(-60_000, 1, 2)));
      Ticket again = ticket(-60_000, 2, 2);
      Refusal refusal = assertThrows(Refusal.class, () -> computer.open(again));
      assertEquals(List.of("QUEUE_SHARED", ""), List.of(refusal.code(), computer.refuse(again, refusal).reason()));
    }
  }
}
