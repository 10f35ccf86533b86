// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;

/** A line of a kept log: {@code TIME PART text}, as {@code bulwark logs} reads it. */
final class LogLine {
  /** Always with nine digits of the second, so that the order of the text is that of time. */
  private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder().appendInstant(9).toFormatter();

  private LogLine() {}

  static byte[] of(Instant time, String part, byte[] text) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    line.writeBytes((TIME.format(time) + " " + part + " ").getBytes(StandardCharsets.US_ASCII));
    line.writeBytes(text);
    line.write('\n');
    return line.toByteArray();
  }
}
