// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class OrdersTest {
  private final Keyring keyring = Golden.keyring();
  private final Orders orders = new Orders(null, "serving_stream", keyring);

  OrdersTest() throws Exception {}

  private static List<byte[]> entry(String model, byte[] sealed) {
    return List.of(bytes("model"), bytes(model), bytes("order"), sealed);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private Orders.Order read(String model, byte[] sealed) {
    return orders.read("1-0", entry(model, sealed));
  }

  private String problem(String model, byte[] sealed) {
    Orders.Order order = read(model, sealed);
    assertNull(order.verb());
    return order.problem().code();
  }

  @Test
  void readsWhatGatewaysOrderOnceWhoeverRepeatsIt() {
    for (JsonObject given : Golden.list("orders").subList(0, 2)) {
      String model = given.get("model").getAsString();
      byte[] sealed = Golden.bytes(given.get("sealed"));
      Orders.Order order = read(model, sealed);
      assertEquals(given.get("verb").getAsString(), order.verb().name().toLowerCase());
      assertEquals(List.of("1-0", model), List.of(order.id(), order.model()));
      assertNull(order.problem());
      assertNull(read(model, sealed));
      assertNotNull(new Orders(null, "serving_stream", keyring).read("2-0", entry(model, sealed)));
    }
  }

  @Test
  void takesNothingThatIsNoOrderOfThisJobForThisModel() {
    JsonObject load = Golden.list("orders").get(0);
    byte[] sealed = Golden.bytes(load.get("sealed"));
    String model = load.get("model").getAsString();
    assertEquals("RECORD_TAMPERED", problem("another", sealed));
    Orders elsewhere = new Orders(null, "another", keyring);
    assertEquals("RECORD_TAMPERED", elsewhere.read("1-0", entry(model, sealed)).problem().code());
    Orders without = new Orders(null, "serving_stream", keyring.only("another"));
    assertEquals("RECORD_KEY_UNKNOWN", without.read("1-0", entry(model, sealed)).problem().code());
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] changed = sealed.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      assertNotNull(problem(model, changed), "bit " + bit);
    }
    JsonObject unknown = Golden.list("orders").get(2);
    assertEquals("RECORD_MALFORMED", problem(unknown.get("model").getAsString(), Golden.bytes(unknown.get("sealed"))));
    assertEquals("RECORD_MALFORMED", problem(model, bytes("load 1")));
    assertEquals("RECORD_MALFORMED", orders.read("1-0", List.of()).problem().code());
    assertEquals("RECORD_MALFORMED", orders.read("1-0", null).problem().code());
    assertEquals(Orders.Verb.LOAD, read(model, sealed).verb());
  }

  @Test
  void takesNoRecordForAnOrder() {
    for (JsonObject record : Golden.list("tensors").subList(0, 20)) {
      JsonObject place = record.getAsJsonObject("place");
      Orders.Order read = read(place.get("model").getAsString(), Golden.bytes(record.get("sealed")));
      assertEquals("RECORD_TAMPERED", read.problem().code());
    }
  }
}
