// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one reader gave out and nobody has ended yet. The reader adds, the sink removes; each in a thread of its own.
 */
final class InFlight implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Stream by id of the entry. */
  private final Map<String, Integer> held = new LinkedHashMap<>();

  synchronized void add(Delivery delivery) {
    held.put(delivery.id(), delivery.stream());
  }

  synchronized boolean holds(String id) {
    return held.containsKey(id);
  }

  synchronized void end(Delivery delivery) {
    held.remove(delivery.id());
    notifyAll();
  }

  synchronized int size() {
    return held.size();
  }

  /** Waits until at most so many are left, or the time is up. */
  synchronized boolean awaitAtMost(int most, long limitMs) throws InterruptedException {
    long until = System.nanoTime() + limitMs * 1_000_000;
    while (held.size() > most) {
      long left = (until - System.nanoTime()) / 1_000_000;
      if (left <= 0) return false;
      wait(left);
    }
    return true;
  }

  /** The ids of a stream. */
  synchronized List<String> list(int stream) {
    List<String> ids = new ArrayList<>();
    held.forEach((id, of) -> {
      if (of == stream) ids.add(id);
    });
    return ids;
  }
}
