// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A record's computation as a step of the trace that it brought along, or of one of its own. Names, counts, codes;
 * nothing of its content (packages/tracing).
 *
 * @param parent the step that it follows from; empty where it is the first
 * @param failure the code it failed with; empty for a result
 */
record Span(
    String trace, String parent, String id, String model, long deliveries, String failure, long beginNs, long endNs) {
  /** W3C Trace Context, in the form in which gateways write it. */
  private static final Pattern PARENT =
      Pattern.compile("00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})");
  private static final int TRACE_BYTES = 16;
  private static final int ID_BYTES = 8;
  private static final int SAMPLED = 1;

  /** The step that ends now with an outcome; null where the caller does not want it traced. */
  static Span of(Outcome outcome) {
    Delivery delivery = outcome.delivery();
    String trace = random(TRACE_BYTES);
    String parent = "";
    Matcher given = PARENT.matcher(delivery.trace() == null ? "" : delivery.trace());
    if (given.matches()) {
      if ((Integer.parseInt(given.group(3), 16) & SAMPLED) == 0) return null;
      trace = given.group(1);
      parent = given.group(2);
    }
    String model = delivery.model() == null ? "" : delivery.model();
    long begin = delivery.takenNs();
    return new Span(trace, parent, random(ID_BYTES), model, delivery.deliveries(), outcome.failure(), begin, nowNs());
  }

  /** Nanoseconds since 1970. */
  static long nowNs() {
    return ChronoUnit.NANOS.between(Instant.EPOCH, Instant.now());
  }

  /** Not secret, only unlike others. */
  private static String random(int count) {
    byte[] bytes = new byte[count];
    ThreadLocalRandom.current().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
