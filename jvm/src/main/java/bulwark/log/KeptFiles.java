// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Files on the claim of event logs, in which a driver keeps what it and its executors print, so that it is still there
 * when the pods are gone. They are copies: when the claim is full, the job goes on without them, and says so once.
 */
final class KeptFiles implements KeptLog {
  private final Path folder;
  private final String pod;
  private final PrintStream told;
  private final OutputStream driver;
  private boolean refused;

  /**
   * @param pod the driver's, with which the names of files begin: each attempt has files of its own
   * @param told where it says that a log is no longer kept; nothing that is copied, or it would be kept again
   */
  KeptFiles(Path folder, String pod, PrintStream told) throws IOException {
    this.folder = Files.createDirectories(folder);
    this.pod = pod;
    this.told = told;
    this.driver = append("driver");
  }

  @Override
  public synchronized void keepDriver(byte[] line) {
    keep(() -> driver.write(line));
  }

  /** Files of executors are not held open: there may be thousands. */
  @Override
  public synchronized boolean keepExecutor(String id, byte[] lines) {
    return keep(
        () -> {
          try (OutputStream file = append("executor-" + id)) {
            file.write(lines);
          }
        });
  }

  private interface Write {
    void run() throws IOException;
  }

  private boolean keep(Write write) {
    if (refused) {
      return false;
    }
    try {
      write.run();
    } catch (IOException full) {
      refused = true;
      told.println("The log is no longer kept beside the event log: " + full);
    }
    return !refused;
  }

  /** A stream and no channel: who prints may have been interrupted, which closes channels. */
  private OutputStream append(String part) throws IOException {
    Path file = folder.resolve(pod + "." + part + ".log");
    try {
      Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException again) {
      // More of it, or the container was started again.
    }
    return new FileOutputStream(file.toFile(), true);
  }
}
