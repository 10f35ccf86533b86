// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What a driver's executors send of their logs: it is kept where the driver's own is. */
public final class ExecutorLogs {
  /** It becomes part of a file's name. */
  private static final Pattern ID = Pattern.compile("\\d{1,10}");
  private static final long LAST_WORDS_MS = 2000;

  private final Optional<KeptLog> kept;
  private final Set<String> talking = new HashSet<>();

  public ExecutorLogs(Optional<KeptLog> kept) {
    this.kept = kept;
  }

  /** Keeps lines; whether it did. An executor of which they are not kept need send no more. */
  public boolean take(LogLines message) {
    String id = message.executor();
    boolean isKept =
        ID.matcher(id).matches() && kept.map(log -> log.keepExecutor(id, message.lines())).orElse(false);
    if (isKept && !message.isEnd()) {
      begin(id);
    } else {
      forget(id);
    }
    return isKept;
  }

  private synchronized void begin(String executor) {
    talking.add(executor);
  }

  /** Nothing more comes of an executor. */
  public synchronized void forget(String executor) {
    talking.remove(executor);
    notifyAll();
  }

  /** Waits until all executors have said their last words, within a short limit. */
  public synchronized void awaitLastWords() {
    long limit = System.nanoTime() + LAST_WORDS_MS * 1_000_000;
    try {
      for (long left = LAST_WORDS_MS; !talking.isEmpty() && left > 0; left = (limit - System.nanoTime()) / 1_000_000) {
        wait(left);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
