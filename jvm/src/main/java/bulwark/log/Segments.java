// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes lines of a driver and its executors to a store that has no append and shows an object when it is closed: an
 * object each few seconds in which something was said, or each few MiB. Beside the work, which never waits for it.
 */
final class Segments implements Runnable {
  private static final int MOST_BYTES = 4 * 1024 * 1024;
  private static final long SEGMENT_MS = 5_000;
  private static final long RETRY_MS = 30_000;
  private static final long LAST_WORDS_MS = 10_000;

  /** Opens the store: not before it is needed, as that takes a second. */
  @FunctionalInterface
  interface Opener {
    FileSystem open(Optional<ClassLoader> ofSpark) throws IOException;
  }

  private final Outbox outbox;
  private final Opener opener;
  private final Path folder;
  private final String pod;
  private final PrintStream told;
  private final Thread thread = new Thread(this, "bulwark-log-store");
  private Optional<ClassLoader> loader;
  private FileSystem store;
  private int written;
  private boolean isTold;

  /**
   * @param pod the driver's, with which the names of objects begin: each attempt has objects of its own
   * @param told where it says that a log is not kept; nothing that is copied, or it would be kept again
   */
  Segments(Outbox outbox, Opener opener, Path folder, String pod, PrintStream told) {
    this.outbox = outbox;
    this.opener = opener;
    this.folder = folder;
    this.pod = pod;
    this.told = told;
  }

  /** Begins to write, with the class loader that Spark has for jars. Only the first call counts. */
  void begin(ClassLoader ofSpark) {
    begin(Optional.of(ofSpark));
  }

  private synchronized void begin(Optional<ClassLoader> with) {
    if (loader == null) {
      loader = with;
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** Writes what is left, within a short limit. */
  void finish() {
    finish(LAST_WORDS_MS);
  }

  void finish(long milliseconds) {
    outbox.end();
    // An application that never began has loaded no connector.
    begin(Optional.empty());
    try {
      thread.join(milliseconds);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      byte[] next = collect();
      while (next.length > 0) {
        write(next);
        next = collect();
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      outbox.close();
    }
  }

  /** Lines of some seconds; nothing when all was written after the end. */
  private byte[] collect() throws InterruptedException {
    outbox.awaitSize(MOST_BYTES, SEGMENT_MS);
    return outbox.take(MOST_BYTES);
  }

  /** Tries until the store takes it, or the driver ends. An object that got there without an answer is written again. */
  private void write(byte[] lines) throws InterruptedException {
    for (; ; ) {
      try {
        writeOnce(lines);
        written++;
        isTold = false;
        return;
      } catch (IOException | RuntimeException | LinkageError refused) {
        if (!isTold) {
          told.println("The log cannot be kept beside the event log: " + refused);
          isTold = true;
        }
        if (outbox.awaitEnd(RETRY_MS)) {
          return;
        }
      }
    }
  }

  private void writeOnce(byte[] lines) throws IOException {
    if (store == null) {
      store = opener.open(loader);
    }
    Path object = new Path(folder, String.format("%s.%06d.log", pod, written + 1));
    try (OutputStream out = store.create(object, true)) {
      out.write(lines);
    }
  }
}
