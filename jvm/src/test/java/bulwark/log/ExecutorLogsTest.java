// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ExecutorLogsTest {
  private static final LogLines OF_ONE = new LogLines("1", "one\n".getBytes(StandardCharsets.UTF_8));
  private static final LogLines OF_TWO = new LogLines("2", "two\n".getBytes(StandardCharsets.UTF_8));
  private static final LogLines END_OF_TWO = new LogLines("2", new byte[0]);

  @TempDir Path folder;

  @Test
  void withoutAClaimNothingIsKept() {
    assertFalse(new ExecutorLogs(Optional.empty()).take(OF_ONE));
  }

  @Test
  void theLastWordsOfExecutorsThatLiveAreAwaited() throws Exception {
    ExecutorLogs logs = new ExecutorLogs(Optional.of(new KeptFiles(folder, "pod", System.err)));
    assertTrue(logs.take(OF_ONE));
    assertTrue(logs.take(OF_TWO));
    logs.forget("1");
    CompletableFuture<Void> waiting = CompletableFuture.runAsync(logs::awaitLastWords);
    assertTrue(logs.take(END_OF_TWO));
    waiting.get(1, TimeUnit.SECONDS);
    assertTrue(Files.size(folder.resolve("pod.executor-2.log")) > 0);
  }

  @Test
  void anExecutorThatSaysNothingHoldsNoEnd() throws IOException {
    ExecutorLogs logs = new ExecutorLogs(Optional.of(new KeptFiles(folder, "pod", System.err)));
    assertTrue(logs.take(OF_ONE));
    long begun = System.nanoTime();
    logs.awaitLastWords();
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
    assertTrue(seconds >= 1 && seconds < 10);
  }
}
