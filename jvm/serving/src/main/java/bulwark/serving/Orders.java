// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What gateways ordered every engine of a job to load and unload (packages/queue/src/redis/orders.ts). Each is sealed
 * as records are: whoever rules Redis can make none, and change none. What was read once is not read again, whoever
 * repeats it.
 */
final class Orders {
  /** What may be ordered: the engine's own folder, settings and keys say the rest. */
  enum Verb {
    LOAD("load"),
    UNLOAD("unload");

    private final String word;

    Verb(String word) {
      this.word = word;
    }
  }

  /** An order as it was read; `problem` where it cannot be opened, and is none. */
  record Order(String id, String model, Verb verb, Refusal problem) {}

  private static final byte[] NOTHING = new byte[0];
  /** As many as are kept: what others added waits for the next reading. */
  private static final int MOST_AT_ONCE = 1_000;
  private static final int LONGEST_BYTES = 4_096;
  /** Behind it Redis takes no entry, and cannot be asked. */
  private static final String LAST = "18446744073709551615-18446744073709551615";

  private final RedisLink link;
  private final Names names;
  private final Keyring recordKeys;
  private final Set<String> seen = new HashSet<>();
  private String last = "0-0";

  Orders(RedisLink link, String job, Keyring recordKeys) {
    this.link = link;
    this.names = new Names(job);
    this.recordKeys = recordKeys;
  }

  /** Those after the ones read before, the oldest first, a bounded number of them. Throws QUEUE_UNREACHABLE. */
  List<Order> readNew() throws Refusal {
    List<Order> fresh = new ArrayList<>();
    if (last.equals(LAST)) return fresh;
    List<Object> bounds = List.of("(" + last, MOST_AT_ONCE, LONGEST_BYTES);
    for (Object one : Queue.list(link.run(Script.ORDERS, List.of(names.orders()), bounds))) {
      List<?> entry = Queue.list(one);
      last = new String((byte[]) entry.get(0), StandardCharsets.US_ASCII);
      Order order = read(last, (List<?>) entry.get(1));
      if (order != null) fresh.add(order);
    }
    return fresh;
  }

  /** Reads an entry; null for an order that was read before. `flat` is null for one that is larger than any can be. */
  Order read(String id, List<?> flat) {
    if (flat == null) {
      String message = "An order is larger than any can be.";
      return new Order(id, "", null, new Refusal("RECORD_MALFORMED", message, "look who else may write to Redis"));
    }
    Map<String, byte[]> fields = new HashMap<>();
    for (int at = 0; at + 1 < flat.size(); at += 2) {
      fields.put(new String((byte[]) flat.get(at), StandardCharsets.UTF_8), (byte[]) flat.get(at + 1));
    }
    String model = new String(fields.getOrDefault("model", NOTHING), StandardCharsets.UTF_8);
    byte[] sealed = fields.getOrDefault("order", NOTHING);
    try {
      byte[] content = Envelope.open(recordKeys, sealed, names.job(), "", model).order(sealed);
      String[] words = new String(content, StandardCharsets.UTF_8).split(" ", 3);
      Verb verb = parse(words[0]);
      return seen.add(words.length > 1 ? words[1] : "") ? new Order(id, model, verb, null) : null;
    } catch (Refusal problem) {
      return new Order(id, model, null, problem);
    }
  }

  private static Verb parse(String word) throws Refusal {
    for (Verb verb : Verb.values()) if (verb.word.equals(word)) return verb;
    throw new Refusal("RECORD_MALFORMED", "An order of an unknown kind.", "update the engine");
  }
}
