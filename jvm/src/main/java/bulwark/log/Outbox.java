// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;

/**
 * Lines that wait: an executor's to be sent to the driver, or a driver's to be written to a store. Who prints never waits:
 * when there is no room, lines are dropped and counted until those before them are sent, and then a line tells how many.
 */
public final class Outbox {
  private static final int ROOM_BYTES = 4 * 1024 * 1024;
  private static final Optional<Outbox> OF_PROCESS =
      Optional.ofNullable(System.getProperty(KeptLog.FOLDER))
          .map(kept -> new Outbox("executor-" + System.getenv("SPARK_EXECUTOR_ID"), ROOM_BYTES));

  private final String part;
  private final int room;
  private final Queue<byte[]> lines = new ArrayDeque<>();
  private int size;
  private long dropped;
  private boolean ended;

  Outbox(String part, int room) {
    this.part = part;
    this.room = room;
  }

  /** That of this executor, if its driver keeps logs. */
  public static Optional<Outbox> ofProcess() {
    return OF_PROCESS;
  }

  /** What its lines are of: {@code executor-1}. */
  public String part() {
    return part;
  }

  /** Puts a line in, or several; after the end they go nowhere. */
  public synchronized void put(byte[] line) {
    if (ended) {
      return;
    }
    if (dropped > 0 || size + line.length > room) {
      dropped += countLines(line);
      return;
    }
    lines.add(line);
    size += line.length;
    notifyAll();
  }

  private static int countLines(byte[] lines) {
    int count = 0;
    for (byte one : lines) {
      count += one == '\n' ? 1 : 0;
    }
    return count;
  }

  /** Waits until so many bytes are in, or for the end, at most so long. */
  synchronized void awaitSize(int least, long milliseconds) throws InterruptedException {
    long limit = System.nanoTime() + milliseconds * 1_000_000;
    for (long left = milliseconds; !ended && size < least && left > 0; left = (limit - System.nanoTime()) / 1_000_000) {
      wait(left);
    }
  }

  /** Waits for lines and takes them, at most so many bytes or one line; nothing when all is sent after the end. */
  synchronized byte[] take(int most) throws InterruptedException {
    while (lines.isEmpty() && !ended) {
      wait();
    }
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    while (!lines.isEmpty() && (taken.size() == 0 || taken.size() + lines.peek().length <= most)) {
      taken.writeBytes(lines.remove());
    }
    size -= taken.size();
    if (lines.isEmpty() && dropped > 0) {
      String note = "[" + dropped + " lines were not kept: they came faster than they were taken]";
      taken.writeBytes(LogLine.of(Instant.now(), part, note.getBytes(StandardCharsets.US_ASCII)));
      dropped = 0;
    }
    return taken.toByteArray();
  }

  /** No more lines are put in. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /** Waits for the end, at most so long; whether it has come. */
  synchronized boolean awaitEnd(long milliseconds) throws InterruptedException {
    awaitSize(Integer.MAX_VALUE, milliseconds);
    return ended;
  }

  /** Ends it without what still waits. */
  synchronized void close() {
    end();
    lines.clear();
    size = 0;
    dropped = 0;
  }
}
