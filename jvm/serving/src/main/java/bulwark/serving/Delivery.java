// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A record that was handed to this job, which has to end it.
 *
 * @param stream 0 to 2, by priority
 * @param serde absent in records of older clients, whose data is base64 of an Arrow stream
 * @param requests how many share it
 * @param deliveries how often it was handed out, this time included
 * @param deadline on this machine's clock, in ms since 1970; null where the asker named no limit
 * @param size bytes it counts for
 * @param trace of the request's step that waits for it (W3C, `traceparent`); null where there is none
 * @param takenNs when it was taken, in nanoseconds since 1970
 */
record Delivery(
    int stream,
    String id,
    String uri,
    byte[] data,
    String serde,
    String model,
    String reply,
    boolean keep,
    long requests,
    long deliveries,
    Double deadline,
    long size,
    String trace,
    long takenNs)
    implements Serializable {

  static final String SEALED = "bulwark";
  private static final int LONGEST_COUNT = 15;

  /** Whether its asker does not wait any more. */
  boolean isOver() {
    return deadline != null && deadline <= System.currentTimeMillis();
  }

  /** Whether its gateway, told that it failed, sends each of its requests alone: the one at fault is found then. */
  boolean isSentAgain() {
    return requests > 1 && !isOver();
  }

  boolean isSealed() {
    return SEALED.equals(serde);
  }

  /** Reads an entry of a stream. `offsetMs` is Redis's clock less ours. */
  static Delivery read(int stream, String id, List<?> flat, long deliveries, double offsetMs) {
    Map<String, byte[]> fields = new HashMap<>();
    for (int at = 0; at + 1 < flat.size(); at += 2) {
      fields.put(text((byte[]) flat.get(at)), (byte[]) flat.get(at + 1));
    }
    byte[] data = fields.getOrDefault("data", new byte[0]);
    Long budget = readCount(fields.get("budget"));
    Long requests = readCount(fields.get("requests"));
    return new Delivery(
        stream,
        id,
        fields.containsKey("uri") ? text(fields.get("uri")) : "",
        data,
        text(fields.get("serde")),
        text(fields.get("model")),
        text(fields.get("reply")),
        fields.containsKey("keep"),
        requests == null ? 1 : requests,
        deliveries,
        budget == null ? null : Double.valueOf(readInstant(id) + budget - offsetMs),
        // Records of older clients did not count for anything when they came in.
        budget == null ? 0 : data.length,
        text(fields.get("trace")),
        Span.nowNs());
  }

  /** Redis's instant at which an entry was made: the first part of its id. */
  private static long readInstant(String id) {
    return Long.parseLong(id.substring(0, id.indexOf('-')));
  }

  private static Long readCount(byte[] value) {
    String text = text(value);
    boolean isCount = text != null && text.length() <= LONGEST_COUNT && text.matches("\\d+");
    return isCount ? Long.valueOf(text) : null;
  }

  private static String text(byte[] value) {
    return value == null ? null : new String(value, StandardCharsets.UTF_8);
  }
}
