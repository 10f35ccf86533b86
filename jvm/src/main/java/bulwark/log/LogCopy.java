// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.function.Consumer;

/** Passes on what a process prints, and hands a copy to whoever keeps it: a line each, with its time and its part. */
public final class LogCopy extends FilterOutputStream {
  private static final int LONGEST_LINE = 64 * 1024;

  private final String part;
  private final Consumer<byte[]> keeper;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

  LogCopy(OutputStream out, String part, Consumer<byte[]> keeper) {
    super(out);
    this.part = part;
    this.keeper = keeper;
  }

  /**
   * Copies both streams of this process from now on. To be called before anything takes the streams for its own:
   * logging does.
   *
   * @param part what this process is: {@code driver}, {@code executor-1}
   */
  public static void install(String part, Consumer<byte[]> keeper) {
    LogCopy out = new LogCopy(System.out, part, keeper);
    LogCopy err = new LogCopy(System.err, part, keeper);
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> endLines(out, err), "bulwark-log-copy"));
  }

  private static void endLines(LogCopy... copies) {
    for (LogCopy copy : copies) {
      synchronized (copy) {
        copy.endLine();
      }
    }
  }

  @Override
  public synchronized void write(int one) throws IOException {
    out.write(one);
    take(one);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
    for (int index = offset; index < offset + length; index++) {
      take(bytes[index]);
    }
  }

  private void take(int one) {
    if (one == '\n' || line.size() >= LONGEST_LINE) {
      endLine();
    }
    if (one != '\n') {
      line.write(one);
    }
  }

  private void endLine() {
    if (line.size() > 0) {
      keeper.accept(LogLine.of(Instant.now(), part, line.toByteArray()));
    }
    line.reset();
  }
}
