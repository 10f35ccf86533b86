// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What one reader gave out and nobody has ended yet. The reader adds, the sink removes; each in a thread of its own.
 */
final class InFlight implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Entries of two streams may have the same id, which is the time of their arrival. */
  private record Entry(int stream, String id) implements Serializable {}

  private final Set<Entry> held = new LinkedHashSet<>();

  synchronized void add(Delivery delivery) {
    held.add(new Entry(delivery.stream(), delivery.id()));
  }

  synchronized boolean holds(int stream, String id) {
    return held.contains(new Entry(stream, id));
  }

  synchronized void end(Delivery delivery) {
    held.remove(new Entry(delivery.stream(), delivery.id()));
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
    for (Entry entry : held) {
      if (entry.stream() == stream) ids.add(entry.id());
    }
    return ids;
  }
}
