// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * Passes the output on and keeps its last part: of a Python program that failed, Spark knows the exit code alone, and
 * the reason is what the program printed last.
 */
final class OutputTail extends FilterOutputStream {
  private static final int KEPT_BYTES = 64 * 1024;
  private static final Pattern EXCEPTION =
      Pattern.compile("^[A-Za-z_][\\w.]*(?:Error|Exception|Exit|Interrupt)\\b.*");

  private final byte[] kept = new byte[KEPT_BYTES];
  private long written;

  private OutputTail(OutputStream out) {
    super(out);
  }

  /** Keeps what is printed from now on. */
  static OutputTail install() {
    OutputTail tail = new OutputTail(System.out);
    System.setOut(new PrintStream(tail, true, StandardCharsets.UTF_8));
    return tail;
  }

  @Override
  public synchronized void write(int one) throws IOException {
    kept[(int) (written++ % KEPT_BYTES)] = (byte) one;
    out.write(one);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    for (int index = Math.max(offset, offset + length - KEPT_BYTES); index < offset + length; index++) {
      kept[(int) (written++ % KEPT_BYTES)] = bytes[index];
    }
    out.write(bytes, offset, length);
  }

  /** What was printed last, at most 64 KiB. */
  synchronized String text() {
    int length = (int) Math.min(written, KEPT_BYTES);
    byte[] last = new byte[length];
    for (int index = 0; index < length; index++) {
      last[index] = kept[(int) ((written - length + index) % KEPT_BYTES)];
    }
    return new String(last, StandardCharsets.UTF_8);
  }

  /** The last line that names an exception, as Python ends a traceback; else the exit code in words. */
  String lastException(int exitCode) {
    return text()
        .lines()
        .filter(line -> EXCEPTION.matcher(line).matches())
        .reduce((former, later) -> later)
        .orElse("the program ended with exit code " + exitCode);
  }
}
