// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CollectorTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String CALLER = "b7ad6b7169203331";
  private static final long LIMIT_S = 20;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What ends with a record that brought this along. */
  private static Outcome outcome(String trace, String failure) {
    List<byte[]> fields =
        Stream.of("uri", "secret-uri", "data", "secret-data", "model", "m").map(CollectorTest::bytes).toList();
    Stream<byte[]> traced = trace == null ? Stream.of() : Stream.of(bytes("trace"), bytes(trace));
    Delivery delivery = Delivery.read(1, "5-0", Stream.concat(fields.stream(), traced).toList(), 2, 0);
    return new Outcome(new Ticket(delivery, false, false, null), bytes("secret-value"), failure, false, "");
  }

  @Test
  void goesOnWithTheTraceOfARecordOrBeginsOne() {
    Span span = Span.of(outcome("00-" + TRACE + "-" + CALLER + "-01", ""));
    assertEquals(List.of(TRACE, CALLER, "m"), List.of(span.trace(), span.parent(), span.model()));
    assertEquals(2, span.deliveries());
    assertNotEquals(CALLER, span.id());
    assertTrue(span.beginNs() <= span.endNs());
    assertNull(Span.of(outcome("00-" + TRACE + "-" + CALLER + "-00", "")));
    String zeros = "0".repeat(32);
    for (String other : new String[] {null, "", "what", "00-" + zeros + "-" + CALLER + "-01", TRACE + "\n"}) {
      Span own = Span.of(outcome(other, "MODEL_FAILED"));
      assertTrue(own.parent().isEmpty() && own.trace().matches("[0-9a-f]{32}") && own.id().matches("[0-9a-f]{16}"));
      assertNotEquals(TRACE, own.trace());
    }
  }

  @Test
  void tellsOfEveryStepAndNothingOfItsContent() throws Exception {
    BlockingQueue<String> bodies = new ArrayBlockingQueue<>(10);
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/traces", exchange -> {
      bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    server.start();
    try (Collector collector = Collector.open("http://127.0.0.1:" + server.getAddress().getPort() + "/")) {
      collector.tell(Span.of(outcome("00-" + TRACE + "-" + CALLER + "-00", "")));
      collector.tell(Span.of(outcome("00-" + TRACE + "-" + CALLER + "-01", "MODEL_FAILED")));
      String body = bodies.poll(LIMIT_S, TimeUnit.SECONDS);
      assertTrue(body.contains("bulwark-inference-engine") && !body.contains("secret"), body);
      JsonObject sent = JsonParser.parseString(body).getAsJsonObject();
      JsonObject scope = first(first(sent, "resourceSpans"), "scopeSpans");
      assertEquals(1, scope.getAsJsonArray("spans").size());
      JsonObject span = first(scope, "spans");
      assertEquals(CALLER, span.get("parentSpanId").getAsString());
      assertEquals(5, span.get("kind").getAsInt());
      assertEquals("MODEL_FAILED", span.getAsJsonObject("status").get("message").getAsString());
    } finally {
      server.stop(0);
    }
  }

  private static JsonObject first(JsonObject of, String name) {
    return of.getAsJsonArray(name).get(0).getAsJsonObject();
  }

  @Test
  void keepsNobodyWaitingForACollectorThatIsAwayOrStuck() throws Exception {
    assertNull(Collector.open(null));
    CountDownLatch isAsked = new CountDownLatch(1);
    CountDownLatch isOver = new CountDownLatch(1);
    HttpServer stuck = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    stuck.createContext("/", exchange -> {
      isAsked.countDown();
      try {
        isOver.await();
      } catch (InterruptedException end) {
        Thread.currentThread().interrupt();
      }
      exchange.close();
    });
    stuck.start();
    try (Collector away = Collector.open("http://127.0.0.1:1");
        Collector waiting = Collector.open("http://127.0.0.1:" + stuck.getAddress().getPort())) {
      waiting.tell(Span.of(outcome(null, "")));
      assertTrue(isAsked.await(LIMIT_S, TimeUnit.SECONDS));
      assertTimeout(Duration.ofSeconds(5), () -> {
        for (int count = 0; count < 100_000; count++) {
          Span span = Span.of(outcome(null, ""));
          away.tell(span);
          waiting.tell(span);
        }
      });
    } finally {
      isOver.countDown();
      stuck.stop(0);
    }
  }
}
