// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SegmentsTest {
  private static final int ROOM = 1000;

  @TempDir Path folder;
  private final Outbox outbox = new Outbox("driver", ROOM);
  private final KeptLog log = new KeptObjects(outbox, null);
  private final ByteArrayOutputStream told = new ByteArrayOutputStream();

  private static byte[] line(String part, String text) {
    return LogLine.of(Instant.now(), part, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A settings file of the chart's kind, and the file system it leads to. */
  private FileSystem store(Optional<ClassLoader> none) throws IOException {
    Path settings = folder.resolve("spark.properties");
    Files.writeString(settings, "spark.hadoop.bulwark.test=seen\nspark.jars=local:///none.jar,https://else/where.jar\n");
    FileSystem store = Store.open(address(), settings, Optional.empty());
    assertEquals("seen", store.getConf().get("bulwark.test"));
    return store;
  }

  private URI address() {
    return folder.resolve("store").toUri();
  }

  private Segments begin(Segments.Opener opener) {
    PrintStream out = new PrintStream(told, true, StandardCharsets.UTF_8);
    Segments segments = new Segments(outbox, opener, new org.apache.hadoop.fs.Path(address()), "job-x2z9k", out);
    segments.begin(SegmentsTest.class.getClassLoader());
    return segments;
  }

  @Test
  void whatWasWrittenIsReadAsAFileForEachPart() throws IOException {
    for (String half : List.of("one", "two")) {
      log.keepDriver(line("driver", "Grüße\r" + half));
      assertTrue(log.keepExecutor("3", line("executor-3", half)));
    }
    begin(this::store).finish();
    Path target = Files.createDirectory(folder.resolve("target"));
    try (FileSystem store = store(Optional.empty())) {
      ReadStore.splitAll(store, ReadStore.list(store, new org.apache.hadoop.fs.Path(address()), 0), target);
    }
    String driver = Files.readString(target.resolve("job-x2z9k.driver.log"));
    assertTrue(driver.matches("\\S+Z driver Grüße\rone\n\\S+Z driver Grüße\rtwo\n"), driver);
    String executor = Files.readString(target.resolve("job-x2z9k.executor-3.log"));
    assertTrue(executor.matches("\\S+Z executor-3 one\n\\S+Z executor-3 two\n"), executor);
  }

  @Test
  void aStoreThatHangsHoldsNobodyUp() throws InterruptedException {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    log.keepDriver(line("driver", "first"));
    Segments segments =
        begin(
            none -> {
              asked.countDown();
              awaitQuietly(never);
              throw new IOException("too late");
            });
    assertTrue(asked.await(30, TimeUnit.SECONDS));
    for (int count = 0; count < ROOM; count++) {
      log.keepDriver(line("driver", "more than there is room for"));
    }
    segments.finish(10);
    never.countDown();
  }

  @Test
  void aStoreThatRefusesIsToldOfOnceAndEndsWithTheDriver() throws InterruptedException {
    CountDownLatch asked = new CountDownLatch(2);
    log.keepDriver(line("driver", "first"));
    Segments segments =
        begin(
            none -> {
              // What comes meanwhile is a segment of its own, and the last.
              log.keepDriver(line("driver", "next"));
              asked.countDown();
              outbox.end();
              throw new IOException("no such bucket");
            });
    assertTrue(asked.await(30, TimeUnit.SECONDS));
    segments.finish();
    assertEquals(1, told.toString(StandardCharsets.UTF_8).lines().count());
  }

  @Test
  void eventLogsComeWithoutTheLogsBesideThemAndWhatIsOlder() throws IOException {
    Path store = Files.createDirectories(folder.resolve("store/eventlog_v2_spark-1"));
    Files.writeString(store.resolve("events_1"), "new");
    Path kept = Files.createDirectories(folder.resolve("store/bulwark-logs/job"));
    Files.writeString(kept.resolve("job-x2z9k.000001.log"), "log");
    Path older = Files.writeString(folder.resolve("store/spark-0"), "old");
    assertTrue(older.toFile().setLastModified(1000));
    Path target = Files.createDirectory(folder.resolve("target"));
    org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(address());
    try (FileSystem opened = store(Optional.empty())) {
      ReadStore.copyAll(opened, root, ReadStore.list(opened, root, 2000), target);
      assertEquals(List.of(), ReadStore.list(opened, new org.apache.hadoop.fs.Path(root, "none"), 0));
    }
    assertEquals("new", Files.readString(target.resolve("eventlog_v2_spark-1/events_1")));
    try (var found = Files.walk(target)) {
      assertEquals(1, found.filter(Files::isRegularFile).count());
    }
  }

  @Test
  void anAddressWithoutAConnectorIsToldApart() throws IOException {
    Path settings = Files.writeString(folder.resolve("none.properties"), "");
    for (String address : List.of("s3a://bucket/folder", "nowhere://bucket/folder")) {
      Throwable failure = null;
      try {
        Store.open(URI.create(address), settings, Optional.empty()).close();
      } catch (IOException | RuntimeException thrown) {
        failure = thrown;
      }
      assertTrue(failure != null && ReadStore.isConnectorMissing(failure), address + ": " + failure);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
