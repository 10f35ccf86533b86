// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.ArrayList;
import java.util.List;

/** Ends records: result, expiry, acknowledgement and removal in the one Lua step that the embedded engine uses. */
final class Ending {
  private final RedisLink link;
  private final Names names;
  private final Settings settings;

  Ending(RedisLink link, Settings settings) {
    this.link = link;
    this.names = new Names(settings.job);
    this.settings = settings;
  }

  /** Ends all of them in one step. Gives how many others had ended before: their results stay. */
  int end(List<Outcome> outcomes) throws Refusal {
    List<String> keys = new ArrayList<>(names.streams());
    keys.add(names.bytes());
    keys.add(names.dead());
    keys.add(names.dropped());
    List<Object> arguments =
        new ArrayList<>(List.of(Names.GROUP, settings.resultTtlMs, settings.replyTtlMs, settings.mostDead));
    for (Outcome outcome : outcomes) add(outcome, keys, arguments);
    int before = 0;
    // Behind them comes the number of dead letters that were dropped.
    for (Object ended : Queue.list(link.run(Script.FINISH, keys, arguments)).subList(0, outcomes.size())) {
      if (!ended.equals(1L)) before++;
    }
    return before;
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
