// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class RefusalTest {
  /** What a record may be ended with. */
  private static final List<String> CODES =
      List.of(
          "TENSOR_MALFORMED", "TENSOR_TOO_LARGE", "TENSOR_SHAPE", "TENSOR_DATATYPE", "TENSOR_VALUE", "TENSOR_MISSING",
          "TENSOR_UNKNOWN", "IMAGE_UNREADABLE", "MODEL_UNKNOWN", "MODEL_VERSION_UNKNOWN", "MODEL_NOT_READY",
          "MODEL_FAILED", "SERVING_UNSUPPORTED", "RECORD_MALFORMED", "RECORD_TAMPERED", "RECORD_KEY_UNKNOWN",
          "QUEUE_DELIVERIES", "BUG");

  @Test
  void buriesWhatTheRegistryCallsOurFailureAndWhatSpeaksOfStrangers() {
    for (String code : CODES) {
      int status = Golden.ALL.getAsJsonObject("statuses").get(code).getAsInt();
      boolean isOfTheAsker = status < 500 && !code.startsWith("RECORD_");
      assertEquals(isOfTheAsker, new Refusal(code, "", "").isOfTheAsker(), code);
    }
    assertTrue(new Refusal("SERVING_DEADLINE", "", "").isOfTheAsker());
    assertTrue(Refusal.unloaded("m").isOfTheAsker());
  }

  @Test
  void quotesNamesWithoutWhatCouldConfuseALog() {
    assertEquals("\"a?b?\"", Refusal.quote("a\nb\""));
    assertEquals(82, Refusal.quote("x".repeat(500)).length());
  }
}
