// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LogSenderTest {
  private final Outbox outbox = new Outbox("executor-1", 1000);
  private final BlockingQueue<String> sent = new LinkedBlockingQueue<>();

  private LogSender begin(LogSender.Channel channel) {
    LogSender sender = new LogSender(outbox, "1", channel);
    sender.begin();
    return sender;
  }

  private boolean receive(Object message) {
    return sent.add(new String(((LogLines) message).lines(), StandardCharsets.UTF_8));
  }

  private void print(String text) {
    outbox.put((text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void linesAreSentWhenTheyWaitAndTheLastBeforeTheEnd() throws InterruptedException {
    print("before the start");
    LogSender sender = begin(this::receive);
    assertEquals("before the start\n", sent.take());
    print("at once");
    assertEquals("at once\n", sent.take());
    print("last words");
    sender.finish();
    assertEquals(List.of("last words\n", ""), List.copyOf(sent));
  }

  @Test
  void theNextMessageWaitsForTheAnswerAndNobodyWhoPrintsDoes() throws InterruptedException {
    CountDownLatch answer = new CountDownLatch(1);
    LogSender sender =
        begin(
            message -> {
              receive(message);
              answer.await();
              return true;
            });
    print("one");
    assertEquals("one\n", sent.take());
    print("two");
    print("three");
    assertTrue(sent.isEmpty());
    answer.countDown();
    sender.finish();
    assertEquals(List.of("two\nthree\n", ""), List.copyOf(sent));
  }

  @Test
  void whereTheDriverKeepsNothingNothingMoreIsSent() throws InterruptedException {
    LogSender sender = begin(message -> !receive(message));
    print("one");
    assertEquals("one\n", sent.take());
    sender.finish();
    print("two");
    assertEquals(0, outbox.take(1000).length);
    assertTrue(sent.isEmpty());
  }

  @Test
  void whatWasNotAnsweredIsSentAgain() throws InterruptedException {
    BlockingQueue<Boolean> failures = new LinkedBlockingQueue<>(List.of(true));
    LogSender sender =
        begin(
            message -> {
              receive(message);
              if (failures.poll() != null) {
                throw new IOException("cut");
              }
              return true;
            });
    print("one");
    assertEquals("one\n", sent.take());
    assertEquals("one\n", sent.take());
    sender.finish();
  }

  @Test
  void aDriverThatIsGoneHoldsNoEnd() throws InterruptedException {
    LogSender sender =
        begin(
            message -> {
              receive(message);
              throw new IOException("gone");
            });
    print("one");
    assertEquals("one\n", sent.take());
    long begun = System.nanoTime();
    sender.finish();
    assertTrue(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun) < 2);
  }
}
