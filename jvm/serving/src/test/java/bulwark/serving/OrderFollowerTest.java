// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bulwark.serving.OrderFollower.CarriedOut;
import bulwark.serving.OrderFollower.Failure;
import bulwark.serving.Orders.Order;
import bulwark.serving.Orders.Verb;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrderFollowerTest {
  private static final long LIMIT_S = 20;

  @TempDir Path folder;
  private final ArrayDeque<List<Order>> given = new ArrayDeque<>();
  private final BlockingQueue<CarriedOut> heard = new ArrayBlockingQueue<>(100);
  private Models models;
  private OrderFollower follower;
  private boolean isAway;

  @BeforeEach
  void load() throws Exception {
    byte[] echo = Golden.bytes(Golden.ALL.getAsJsonObject("onnx").get("same-FP32"));
    for (String name : List.of("a", "b")) {
      Files.write(Files.createDirectories(folder.resolve(name).resolve("1")).resolve("model.onnx"), echo);
    }
    Settings settings = new Settings();
    settings.models = folder.toString();
    models = Models.load(settings, null);
    follower = new OrderFollower(this::readNew, models, heard::add);
  }

  @AfterEach
  void close() {
    follower.close();
    models.close();
  }

  private List<Order> readNew() throws Refusal {
    synchronized (given) {
      if (isAway) {
        isAway = false;
        throw new Refusal("QUEUE_UNREACHABLE", "away", "start it");
      }
      return given.isEmpty() ? List.of() : given.poll();
    }
  }

  private void give(Order... orders) {
    synchronized (given) {
      given.add(List.of(orders));
    }
  }

  private static Order order(int number, Verb verb, String model) {
    return new Order(number + "-0", model, verb, null);
  }

  @Test
  void obeysTheLastOrderForAModelAndTellsWhatFailed() throws Exception {
    Model b = models.find("b", "");
    Refusal problem = new Refusal("RECORD_TAMPERED", "it does not open", "look");
    give(
        order(1, Verb.UNLOAD, "a"),
        order(2, Verb.LOAD, "b"),
        order(3, Verb.UNLOAD, "b"),
        order(4, Verb.LOAD, "a"),
        order(5, Verb.LOAD, "nothing"),
        new Order("6-0", "a", null, problem));
    assertEquals(new CarriedOut("0-0", List.of()), follower.carriedOut());
    follower.follow();
    assertEquals("1", models.find("a", "").version());
    assertEquals(List.of(b), models.takeReplaced());
    b.close();
    Same.refuses("MODEL_NOT_READY", () -> models.find("b", ""));
    CarriedOut done = follower.carriedOut();
    assertEquals("6-0", done.upTo());
    assertEquals(List.of("5-0", "6-0"), done.failures().stream().map(Failure::order).toList());
    assertEquals(List.of("MODEL_UNKNOWN", "RECORD_TAMPERED"), done.failures().stream().map(Failure::code).toList());
    for (int number = 7; number < 30; number++) give(order(number, Verb.LOAD, "nothing"));
    for (int number = 7; number < 30; number++) follower.follow();
    // The last eight that failed, and the last eight of what was no order.
    assertEquals(9, follower.carriedOut().failures().size());
    for (int number = 30; number < 500; number++) give(new Order(number + "-0", "a", null, problem));
    for (int number = 30; number < 500; number++) follower.follow();
    assertEquals(16, follower.carriedOut().failures().size());
    assertEquals("29-0", follower.carriedOut().failures().get(7).order());
    assertEquals("499-0", follower.carriedOut().failures().get(15).order());
  }

  @Test
  void obeysBeforeAnythingElseHappensHoweverLongRedisIsAwayAndThenByItself() throws Exception {
    isAway = true;
    give(order(1, Verb.UNLOAD, "a"));
    follower.start();
    assertEquals(new CarriedOut("1-0", List.of()), heard.poll());
    Same.refuses("MODEL_NOT_READY", () -> models.find("a", ""));
    isAway = true;
    give(order(2, Verb.LOAD, "a"));
    assertEquals("2-0", heard.poll(LIMIT_S, TimeUnit.SECONDS).upTo());
    assertEquals("1", models.find("a", "").version());
    assertTrue(heard.isEmpty());
  }
}
