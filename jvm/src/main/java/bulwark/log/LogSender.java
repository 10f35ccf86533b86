// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

/** Sends what an executor prints to its driver, a message after the other, beside the work. */
public final class LogSender implements Runnable {
  private static final int MOST_BYTES = 256 * 1024;
  private static final long RETRY_MS = 1000;
  private static final long LAST_WORDS_MS = 2000;

  /** The way to the driver: Spark's, of a plugin. */
  @FunctionalInterface
  public interface Channel {
    Object ask(Object message) throws Exception;
  }

  private final Outbox outbox;
  private final String executor;
  private final Channel channel;
  private final Thread thread = new Thread(this, "bulwark-log-sender");

  LogSender(Outbox outbox, String executor, Channel channel) {
    this.outbox = outbox;
    this.executor = executor;
    this.channel = channel;
  }

  /** Begins to send; a JVM that ends waits a moment for the last words. */
  public static LogSender start(Outbox outbox, String executor, Channel channel) {
    LogSender sender = new LogSender(outbox, executor, channel);
    sender.begin();
    // Spark stops plugins before it ends, but a signal may end the JVM while it does.
    Runtime.getRuntime().addShutdownHook(new Thread(sender::finish, "bulwark-log-end"));
    return sender;
  }

  void begin() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Sends what is left, and that it was the last, within a short limit. */
  public void finish() {
    outbox.end();
    try {
      thread.join(LAST_WORDS_MS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      LogLines next;
      do {
        next = new LogLines(executor, outbox.take(MOST_BYTES));
      } while (isKept(next) && !next.isEnd());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      outbox.close();
    }
  }

  /** Lines whose answer got lost are sent again: better twice than never. */
  private boolean isKept(LogLines lines) throws InterruptedException {
    for (; ; ) {
      try {
        return Boolean.TRUE.equals(channel.ask(lines));
      } catch (InterruptedException interrupted) {
        throw interrupted;
      } catch (Exception unanswered) {
        if (outbox.awaitEnd(RETRY_MS)) {
          return false;
        }
      }
    }
  }
}
