// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.exceptions.JedisDataException;

class EndingTest {
  private static Outcome outcome(String id) {
    Delivery delivery = Delivery.read(1, id, List.of(), 1, 0);
    return new Outcome(new Ticket(delivery, false, false, null), new byte[0], "", false, "");
  }

  @Test
  void whatRedisDoesNotTakeIsOneRecordsAlone() {
    List<Object> answers = List.of(1L, new JedisDataException("ERR in the way"), 0L, 7L);
    List<Outcome> outcomes = List.of(outcome("1-0"), outcome("2-0"), outcome("3-0"));
    Ending.Ended ended = Ending.read(outcomes, answers);
    assertEquals(List.of(outcomes.get(0), outcomes.get(2)), ended.done());
    assertEquals(1, ended.before());
    assertEquals(List.of(new Ending.Left(outcomes.get(1), "ERR in the way")), ended.left());
  }
}
