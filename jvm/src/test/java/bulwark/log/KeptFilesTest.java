// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptFilesTest {
  private static final byte[] LINE = "a line\n".getBytes(StandardCharsets.UTF_8);

  @TempDir Path parent;
  private final ByteArrayOutputStream told = new ByteArrayOutputStream();

  private KeptFiles open() throws IOException {
    return new KeptFiles(parent.resolve("job"), "job-x2z9k", new PrintStream(told, true, StandardCharsets.UTF_8));
  }

  private Path file(String part) {
    return parent.resolve("job").resolve("job-x2z9k." + part + ".log");
  }

  @Test
  void eachPartHasAFileOfItsOwnForItsOwnerAlone() throws IOException {
    KeptFiles log = open();
    log.keepDriver(LINE);
    assertTrue(log.keepExecutor("3", LINE));
    assertTrue(log.keepExecutor("3", LINE));
    open().keepDriver(LINE);
    for (String part : List.of("driver", "executor-3")) {
      assertEquals(List.of("a line", "a line"), Files.readAllLines(file(part)));
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file(part))));
    }
  }

  @Test
  void whoPrintsWhenInterruptedEndsNoLog() throws IOException {
    KeptFiles log = open();
    Thread.currentThread().interrupt();
    log.keepDriver(LINE);
    assertTrue(log.keepExecutor("1", LINE));
    assertTrue(Thread.interrupted());
    log.keepDriver(LINE);
    assertEquals(2, Files.readAllLines(file("driver")).size());
  }

  @Test
  void aClaimThatRefusesIsToldOfOnceAndEndsAllOfIt() throws IOException {
    KeptFiles log = open();
    Files.createDirectory(file("executor-1"));
    assertFalse(log.keepExecutor("1", LINE));
    assertFalse(log.keepExecutor("2", LINE));
    log.keepDriver(LINE);
    assertEquals(0, Files.size(file("driver")));
    assertEquals(1, told.toString(StandardCharsets.UTF_8).lines().count());
  }

  @Test
  void anIdThatIsNoNumberNamesNoFile() throws IOException {
    ExecutorLogs logs = new ExecutorLogs(Optional.of(open()));
    for (String id : List.of("../1", "", "1/2", "1\n", "driver", "12345678901")) {
      assertFalse(logs.take(new LogLines(id, LINE)), id);
    }
    try (var files = Files.walk(parent)) {
      assertEquals(1, files.filter(Files::isRegularFile).count());
    }
    assertTrue(logs.take(new LogLines("1", LINE)));
  }
}
