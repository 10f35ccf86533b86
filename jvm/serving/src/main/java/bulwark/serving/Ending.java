// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.exceptions.JedisDataException;

/** Ends records: result, expiry, acknowledgement and removal in the one Lua step that the embedded engine uses. */
final class Ending {
  /**
   * What became of records.
   *
   * @param done those that have ended, now or before
   * @param before how many of them somebody else had ended before: their results stay
   * @param left those that Redis did not take the end of, which are still pending
   */
  record Ended(List<Outcome> done, int before, List<Left> left) {}

  record Left(Outcome outcome, String why) {}

  private final RedisLink link;
  private final Names names;
  private final Settings settings;

  Ending(RedisLink link, Settings settings) {
    this.link = link;
    this.names = new Names(settings.job);
    this.settings = settings;
  }

  /** Ends all of them in one step. */
  Ended end(List<Outcome> outcomes) throws Refusal {
    List<String> keys = new ArrayList<>(names.streams());
    keys.add(names.bytes());
    keys.add(names.dead());
    keys.add(names.dropped());
    List<Object> arguments =
        new ArrayList<>(List.of(Names.GROUP, settings.resultTtlMs, settings.replyTtlMs, settings.mostDead));
    for (Outcome outcome : outcomes) add(outcome, keys, arguments);
    return read(outcomes, Queue.list(link.run(Script.FINISH, keys, arguments)));
  }

  /** Reads what the step answered: of each record, and then the number of dead letters that were dropped. */
  static Ended read(List<Outcome> outcomes, List<?> answers) {
    List<Outcome> done = new ArrayList<>();
    List<Left> left = new ArrayList<>();
    int before = 0;
    for (int at = 0; at < outcomes.size(); at++) {
      Outcome outcome = outcomes.get(at);
      if (answers.get(at) instanceof JedisDataException why) {
        left.add(new Left(outcome, why.getMessage()));
        continue;
      }
      done.add(outcome);
      if (!answers.get(at).equals(1L)) before++;
    }
    return new Ended(done, before, left);
  }

  private void add(Outcome outcome, List<String> keys, List<Object> arguments) {
    Delivery delivery = outcome.delivery();
    String result = names.result(delivery.uri());
    String answer = delivery.reply() == null ? result : names.reply(delivery.reply());
    String where = delivery.reply() == null ? "hash" : delivery.keep() ? "both" : "reply";
    keys.add(where.equals("reply") ? answer : result);
    keys.add(answer);
    arguments.addAll(List.of(delivery.stream() + 1, delivery.id(), delivery.size(), where, delivery.uri()));
    arguments.addAll(List.of(outcome.value(), outcome.reason(), delivery.deliveries(), outcome.run()));
  }
}
