// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import bulwark.serving.Orders.Order;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads and unloads models as gateways order it (services/inference-engine, follow-orders.ts), in a thread of its own:
 * neither the records of other models nor the heartbeat wait for it.
 */
final class OrderFollower implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OrderFollower.class);
  private static final long FOLLOW_MS = 1_000;
  /** Failures that are told of, of either kind: whoever waits for an order asks each second. */
  private static final int MOST_FAILURES = 8;

  /** All orders up to one were carried out, but for those that failed; the last failures are told. */
  record CarriedOut(String upTo, List<Failure> failures) {}

  record Failure(String order, String code, String message, String mend) {}

  /** Gives what was ordered since the last time. */
  interface Source {
    List<Order> readNew() throws Refusal;
  }

  /** Told what was carried out, whenever it is more than before. */
  interface Listener {
    void hear(CarriedOut carriedOut) throws Refusal;
  }

  private final Source orders;
  private final Models models;
  private final Listener listener;
  private final Thread thread = new Thread(this::run, "bulwark-orders");
  private final List<Failure> failed = new ArrayList<>();
  /** What is no order is told of beside those that failed, so that whoever adds many of it hides none of them. */
  private final List<Failure> unread = new ArrayList<>();
  private String upTo = "0-0";
  /** What keeps orders from being read, so that it is said once. */
  private String trouble = "";
  private volatile boolean isOpen = true;

  OrderFollower(Source orders, Models models, Listener listener) {
    this.orders = orders;
    this.models = models;
    this.listener = listener;
    thread.setDaemon(true);
  }

  /**
   * Carries out what was ordered before, however long Redis is away: no record is to be taken earlier. Then goes on by
   * itself. Throws what the listener throws of the first telling.
   */
  void start() throws Refusal, InterruptedException {
    while (!tryToFollow()) Thread.sleep(FOLLOW_MS);
    listener.hear(carriedOut());
    thread.start();
  }

  /** Carries out what was ordered since the last time. Of several orders for one model the last counts. */
  void follow() throws Refusal {
    List<Order> fresh = orders.readNew();
    tellUnread(fresh.stream().filter(order -> order.problem() != null).toList());
    Map<String, String> newest = new HashMap<>();
    for (Order order : fresh) if (order.problem() == null) newest.put(order.model(), order.id());
    for (Order order : fresh) {
      if (order.problem() == null && order.id().equals(newest.get(order.model()))) carryOut(order);
      upTo = order.id();
    }
  }

  CarriedOut carriedOut() {
    List<Failure> failures = new ArrayList<>(failed);
    failures.addAll(unread);
    return new CarriedOut(upTo, List.copyOf(failures));
  }

  @Override
  public void close() {
    isOpen = false;
    thread.interrupt();
  }

  private void run() {
    CarriedOut told = carriedOut();
    while (isOpen) {
      try {
        Thread.sleep(FOLLOW_MS);
        tryToFollow();
        if (carriedOut().equals(told)) continue;
        told = carriedOut();
        listener.hear(told);
      } catch (Refusal untold) {
        LOG.error("what was carried out cannot be told: {} {}", untold.code(), untold.getMessage());
      } catch (InterruptedException end) {
        return;
      }
    }
  }

  /** Whether it could be looked at what was ordered. */
  private boolean tryToFollow() {
    try {
      follow();
      trouble = "";
      return true;
    } catch (Refusal | RuntimeException away) {
      String what = String.valueOf(away.getMessage());
      if (isOpen && !what.equals(trouble)) LOG.warn("orders cannot be read: {}", what);
      trouble = what;
      return false;
    }
  }

  private void tellUnread(List<Order> orders) {
    int left = Math.max(0, orders.size() - MOST_FAILURES);
    if (left > 0) LOG.error("{} more orders cannot be read", left);
    for (Order order : orders.subList(left, orders.size())) fail(unread, order, order.problem());
  }

  private void carryOut(Order order) {
    try {
      LOG.info("order {} begins: {} {}", order.id(), order.verb(), Refusal.quote(order.model()));
      switch (order.verb()) {
        case LOAD -> models.load(order.model());
        case UNLOAD -> models.unload(order.model());
      }
      LOG.info("order {} carried out: {} {}", order.id(), order.verb(), Refusal.quote(order.model()));
    } catch (Refusal | RuntimeException error) {
      fail(failed, order, Refusal.of(error));
    }
  }

  private static void fail(List<Failure> failures, Order order, Refusal why) {
    LOG.error("order {} not carried out: {} {}", order.id(), why.code(), why.getMessage());
    failures.add(new Failure(order.id(), why.code(), why.getMessage(), why.mend()));
    if (failures.size() > MOST_FAILURES) failures.remove(0);
  }
}
