// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Set;

/**
 * Copies what a driver prints to a file on the claim of its event log, so that it is still there when the pod is gone:
 * a line each, with the time before it, as the node keeps the logs of containers. It is a copy: when the claim is full,
 * the job goes on without it, and says so.
 */
final class LogCopy extends FilterOutputStream {
  /** Folder for the copies of a release; the chart sets it where the job has a claim for event logs. */
  private static final String FOLDER = "bulwark.log.copy";
  private static final int LONGEST_LINE = 64 * 1024;

  private final FileChannel file;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private boolean failed;

  LogCopy(OutputStream out, FileChannel file) {
    super(out);
    this.file = file;
  }

  /**
   * Copies both streams of this process from now on, if it was told where to. To be called before anything takes the
   * streams for its own: logging does.
   *
   * @param pod name of the file, without its ending
   */
  static void install(String pod) {
    String folder = System.getProperty(FOLDER);
    if (folder == null) {
      return;
    }
    try {
      LogCopy out = new LogCopy(System.out, open(Path.of(folder), pod));
      LogCopy err = new LogCopy(System.err, out.file);
      System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
      Runtime.getRuntime().addShutdownHook(new Thread(() -> endLines(out, err), "bulwark-log-copy"));
    } catch (IOException refused) {
      System.err.println("The log is not kept beside the event log: " + refused);
    }
  }

  private static FileChannel open(Path folder, String pod) throws IOException {
    Files.createDirectories(folder);
    return FileChannel.open(
        folder.resolve(pod + ".log"),
        Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
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
    if (line.size() > 0 && !failed) {
      keep();
    }
    line.reset();
  }

  private void keep() {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.writeBytes((Instant.now() + " ").getBytes(StandardCharsets.US_ASCII));
    whole.writeBytes(line.toByteArray());
    whole.write('\n');
    try {
      // One write for a line: both streams append to the same file.
      file.write(ByteBuffer.wrap(whole.toByteArray()));
    } catch (IOException full) {
      failed = true;
      new PrintStream(out, true, StandardCharsets.UTF_8).println("The log is no longer kept beside the event log: " + full);
    }
  }
}
