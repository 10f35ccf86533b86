// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import bulwark.serving.RedisLink.RedisAnswer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The side of the queue where a consumer takes records, over one connection and in one thread. The same rules as
 * packages/queue/src/redis/work.ts; ending records is `Ending`.
 */
final class Queue {
  /** Called for each record that was handed out before, one at a time. */
  interface Suspect {
    void accept(Delivery delivery) throws Refusal, InterruptedException;
  }

  private static final int OLDEST_MAJOR = 7;
  private static final long FORGET_ENGINES_MS = 3_600_000;
  /** An engine that was not heard of for so long does not count as alive. */
  private static final long ENGINE_SILENCE_MS = 6_000;

  private final RedisLink link;
  private final Names names;
  private final String consumer;
  private final long minIdleMs;
  private final InFlight inFlight;
  /** What Redis was told last that this consumer serves. */
  private String told = "";
  /** How often consumers had given records back when this one last heard of it. */
  private long heard;
  /** Whether the groups were there once, and so the streams. */
  private boolean isOurs;
  /** Redis's clock less ours. */
  private double offsetMs;

  Queue(RedisLink link, Settings settings, String consumer, InFlight inFlight) {
    this.link = link;
    this.names = new Names(settings.job);
    this.consumer = consumer;
    this.minIdleMs = settings.minIdleMs;
    this.inFlight = inFlight;
  }

  /** Looks at Redis, makes the groups, reads its clock. Throws QUEUE_EVICTS, QUEUE_REDIS_OLD, QUEUE_UNREACHABLE. */
  void open() throws Refusal {
    String info = text(link.send("INFO"));
    String valkey = fact(info, "valkey_version");
    String version = valkey.isEmpty() ? fact(info, "redis_version") : valkey;
    if (!version.matches("\\d+\\..*") || Integer.parseInt(version.split("\\.")[0]) < OLDEST_MAJOR) {
      String message = "This is Redis " + version + "; its scripts cannot run in a full Redis.";
      throw new Refusal("QUEUE_REDIS_OLD", message, "use Redis 7.0 or newer, or Valkey");
    }
    if (!fact(info, "maxmemory_policy").equals("noeviction")) {
      String message = "Redis throws records away when its memory is full.";
      throw new Refusal("QUEUE_EVICTS", message, "set maxmemory-policy noeviction in Redis's configuration");
    }
    makeGroups();
    setClock(list(link.send("TIME")));
  }

  /** Records that nobody has yet, most urgent first; waits for the first one. */
  List<Delivery> take(int most, long waitMs) throws Refusal {
    List<Delivery> taken = new ArrayList<>();
    try {
      for (Object one : list(link.run(Script.TAKE, names.streams(), List.of(Names.GROUP, consumer, most)))) {
        List<?> entry = list(one);
        taken.add(Delivery.read(number(entry.get(0)) - 1, text(entry.get(1)), list(entry.get(2)), 1, offsetMs));
      }
      if (!taken.isEmpty()) return hold(taken);
      List<Object> read = new ArrayList<>(List.of("GROUP", Names.GROUP, consumer, "COUNT", most, "BLOCK", waitMs));
      read.add("STREAMS");
      read.addAll(names.streams());
      read.addAll(List.of(">", ">", ">"));
      Object answer = link.send("XREADGROUP", read.toArray());
      if (answer == null) return taken;
      for (Object one : list(answer)) {
        List<?> ofStream = list(one);
        int stream = names.streams().indexOf(text(ofStream.get(0)));
        for (Object entry : list(ofStream.get(1))) taken.add(readEntry(stream, list(entry), 1));
      }
      return hold(taken);
    } catch (RedisAnswer answer) {
      // Redis came back empty, since it had no append-only file; or somebody wrote over a stream.
      if (!answer.begins("NOGROUP") && !answer.begins("WRONGTYPE")) throw answer;
      makeGroups();
      return taken;
    }
  }

  /** Records that an earlier process of this name was given and did not end. Being read counts as a delivery. */
  void eachOwn(Suspect suspect) throws Refusal, InterruptedException {
    for (int stream = 0; stream < names.streams().size(); stream++) {
      String after = "0";
      for (List<?> entry = readOwn(stream, after); entry != null; entry = readOwn(stream, after)) {
        after = text(entry.get(0));
        handOver(stream, entry, suspect);
      }
    }
  }

  /** Records that others were given and have not touched for a while, or gave back. */
  void eachAbandoned(Suspect suspect) throws Refusal, InterruptedException {
    for (int stream = 0; stream < names.streams().size(); stream++) {
      String cursor = "0-0";
      do {
        // One at a time: should it kill this process too, only its own count has risen.
        Object[] claim = {names.streams().get(stream), Names.GROUP, consumer, minIdleMs, cursor, "COUNT", 1};
        List<?> answer = list(link.send("XAUTOCLAIM", claim));
        cursor = text(answer.get(0));
        for (Object removed : list(answer.get(2))) countLost(stream, text(removed));
        for (Object entry : list(answer.get(1))) handOver(stream, list(entry), suspect);
      } while (!cursor.equals("0-0"));
    }
  }

  /** Says that what is in flight is still being computed, so that nobody takes it over. */
  void hold() throws Refusal {
    for (int stream = 0; stream < names.streams().size(); stream++) {
      List<String> ids = inFlight.list(stream);
      if (ids.isEmpty()) continue;
      List<Object> claim = new ArrayList<>(List.of(names.streams().get(stream), Names.GROUP, consumer, 0));
      claim.addAll(ids);
      claim.add("JUSTID");
      link.send("XCLAIM", claim.toArray());
    }
  }

  /**
   * Says that this consumer is alive and what it serves, and reads Redis's clock again. Gives whether records were
   * given back since the last time.
   */
  boolean beat(String serves) throws Refusal {
    List<?> answer = tell(serves.equals(told) ? "" : serves);
    // Redis came back without it, or we were silent for too long.
    if (number(answer.get(2)) == 0) tell(serves);
    told = serves;
    long before = heard;
    heard = (Long) answer.get(3);
    return heard != before;
  }

  /** Clean exit: gives back the records that it still holds; without any, its name is removed. */
  void leave() throws Refusal {
    List<String> keys = new ArrayList<>(names.streams());
    keys.addAll(List.of(names.engines(), names.lost(), names.left()));
    link.run(Script.LEAVE, keys, List.of(Names.GROUP, consumer));
  }

  private List<Delivery> hold(List<Delivery> taken) {
    taken.forEach(inFlight::add);
    return taken;
  }

  private List<?> readOwn(int stream, String after) throws Refusal {
    Object[] read = {"GROUP", Names.GROUP, consumer, "COUNT", 1, "STREAMS", names.streams().get(stream), after};
    Object answer = link.send("XREADGROUP", read);
    if (answer == null) return null;
    List<?> entries = list(list(list(answer).get(0)).get(1));
    return entries.isEmpty() ? null : list(entries.get(0));
  }

  private void handOver(int stream, List<?> entry, Suspect suspect) throws Refusal, InterruptedException {
    String id = text(entry.get(0));
    // One that is being computed here was only slow to be held.
    if (inFlight.holds(stream, id)) return;
    if (entry.get(1) == null) {
      countLost(stream, id);
      return;
    }
    Delivery delivery = readEntry(stream, entry, readDeliveries(stream, id));
    inFlight.add(delivery);
    suspect.accept(delivery);
  }

  private Delivery readEntry(int stream, List<?> entry, long deliveries) {
    return Delivery.read(stream, text(entry.get(0)), list(entry.get(1)), deliveries, offsetMs);
  }

  private long readDeliveries(int stream, String id) throws Refusal {
    List<?> pending = list(link.send("XPENDING", names.streams().get(stream), Names.GROUP, id, id, 1));
    return pending.isEmpty() ? 1 : (Long) list(pending.get(0)).get(3);
  }

  private void countLost(int stream, String id) throws Refusal {
    link.run(Script.LOSE, List.of(names.streams().get(stream), names.lost()), List.of(Names.GROUP, id));
  }

  private void makeGroups() throws Refusal {
    for (String stream : names.streams()) {
      try {
        makeGroup(stream);
      } catch (RedisAnswer answer) {
        if (!answer.begins("BUSYGROUP")) throw answer;
      }
    }
    isOurs = true;
  }

  private void makeGroup(String stream) throws Refusal {
    Object[] create = {"CREATE", stream, Names.GROUP, "0", "MKSTREAM"};
    try {
      link.send("XGROUP", create);
    } catch (RedisAnswer answer) {
      // What was there at the start may be another program's; what was put over our stream since must not stop the
      // others.
      if (!isOurs || !answer.begins("WRONGTYPE")) throw answer;
      link.send("PEXPIRE", stream, 0);
      link.send("XGROUP", create);
    }
  }

  private List<?> tell(String serves) throws Refusal {
    List<String> keys = List.of(names.engines(), names.serves(consumer), names.left());
    List<Object> args = List.of(consumer, FORGET_ENGINES_MS, ENGINE_SILENCE_MS, serves);
    List<?> answer = list(link.run(Script.BEAT, keys, args));
    setClock(answer);
    return answer;
  }

  private void setClock(List<?> time) {
    double redisNow = Double.parseDouble(text(time.get(0))) * 1000 + Double.parseDouble(text(time.get(1))) / 1000;
    offsetMs = redisNow - System.currentTimeMillis();
  }

  private static String fact(String info, String name) {
    for (String line : info.split("\r?\n")) if (line.startsWith(name + ":")) return line.substring(name.length() + 1);
    return "";
  }

  static List<?> list(Object answer) {
    if (answer instanceof List<?> all) return all;
    throw new IllegalStateException("Redis answered in a form that is not expected.");
  }

  private static int number(Object answer) {
    return Math.toIntExact((Long) answer);
  }

  private static String text(Object answer) {
    return new String((byte[]) answer, StandardCharsets.UTF_8);
  }
}
