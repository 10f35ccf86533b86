// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import bulwark.serving.RedisLink.RedisAnswer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.metrics.groups.SourceReaderMetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads as one consumer of the group: first what an earlier process of this name left, then what is new; now and
 * then what others left. A thread of its own waits for Redis, so that the task's thread never does. Records that
 * were handed out before go through alone, so that one that kills the process takes no other with it.
 */
final class QueueReader implements SourceReader<Ticket, QueueSource.Consumer> {
  private static final Logger LOG = LoggerFactory.getLogger(QueueReader.class);
  private static final long WAIT_MS = 200;
  private static final long BEAT_MS = 2_000;
  private static final long END_WAIT_MS = 10_000;

  private final Settings settings;
  private final RedisLink link;
  private final InFlight inFlight = new InFlight();
  /** What was taken and not yet handed to the task; guarded by itself. */
  private final ArrayDeque<Ticket> ready = new ArrayDeque<>();
  private CompletableFuture<Void> available = new CompletableFuture<>();

  private volatile boolean isOpen = true;
  private Queue queue;
  private Thread thread;
  private String consumer;
  private String announced = "";
  private long heldAt;
  private long beatenAt;
  private long sweptAt;

  QueueReader(Settings settings, SourceReaderMetricGroup metrics) throws Refusal {
    this.settings = settings;
    this.link = new RedisLink(settings.redis);
    metrics.gauge("recordsInFlight", inFlight::size);
  }

  @Override
  public void start() {}

  @Override
  public void addSplits(List<QueueSource.Consumer> splits) {
    if (thread != null) throw new IllegalStateException("a reader is one consumer");
    consumer = settings.consumerOf(splits.get(0).number());
    queue = new Queue(link, settings, consumer, inFlight);
    thread = new Thread(this::run, "bulwark-queue-" + consumer);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public InputStatus pollNext(ReaderOutput<Ticket> output) {
    Ticket next;
    boolean isLast;
    synchronized (ready) {
      next = ready.poll();
      isLast = ready.isEmpty();
      if (isLast && available.isDone()) available = new CompletableFuture<>();
    }
    if (next == null) return InputStatus.NOTHING_AVAILABLE;
    output.collect(isLast ? new Ticket(next.delivery(), next.isAlone(), true, inFlight) : next);
    return isLast ? InputStatus.NOTHING_AVAILABLE : InputStatus.MORE_AVAILABLE;
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    synchronized (ready) {
      return available;
    }
  }

  @Override
  public List<QueueSource.Consumer> snapshotState(long checkpoint) {
    return List.of();
  }

  @Override
  public void notifyNoMoreSplits() {}

  /** Batcher and sink are closed by now: what was taken and not ended is given back. */
  @Override
  public void close() {
    isOpen = false;
    if (thread == null) return;
    thread.interrupt();
    try {
      thread.join(END_WAIT_MS);
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    } finally {
      link.close();
    }
  }

  /** The link is this thread's alone, and stays open to the end: what pods may dial may have changed by then. */
  private void run() {
    read();
    try {
      queue.leave();
    } catch (Refusal | RedisAnswer away) {
      LOG.info("{} could not say that it left", consumer);
    }
  }

  private void read() {
    boolean isReady = false;
    String told = "";
    while (isOpen) {
      try {
        if (!isReady) {
          queue.open();
          stayAlive();
          queue.eachOwn(this::handAlone);
          LOG.info("{} is ready", consumer);
          isReady = true;
          told = "";
        }
        step();
      } catch (Refusal | RedisAnswer trouble) {
        // What was handed out while the connection broke is in our own list.
        String what = String.valueOf(trouble.getMessage());
        if (isOpen && !what.equals(told)) LOG.warn("{} waits for Redis: {}", consumer, what);
        told = what;
        isReady = false;
        pause();
      } catch (InterruptedException end) {
        return;
      } catch (RuntimeException bug) {
        LOG.error("{} goes on after an error of its own", consumer, bug);
        isReady = false;
        pause();
      }
    }
  }

  private void step() throws Refusal, InterruptedException {
    stayAlive();
    long now = System.currentTimeMillis();
    if (now - sweptAt >= settings.minIdleMs / 2) {
      sweptAt = now;
      queue.eachAbandoned(this::handAlone);
    }
    if (!inFlight.awaitAtMost(settings.mostInFlight - 1, WAIT_MS)) return;
    List<Delivery> taken = queue.take(settings.mostInFlight - inFlight.size(), WAIT_MS);
    if (!taken.isEmpty()) hand(taken, false);
  }

  private void handAlone(Delivery delivery) throws Refusal, InterruptedException {
    LOG.info("{} was handed out {} times; computed alone", delivery.id(), delivery.deliveries());
    // Itself is in flight from the moment it was read.
    while (isOpen && !inFlight.awaitAtMost(1, WAIT_MS)) stayAlive();
    if (!isOpen) throw new InterruptedException();
    hand(List.of(delivery), true);
    while (isOpen && !inFlight.awaitAtMost(0, WAIT_MS)) stayAlive();
  }

  private void hand(List<Delivery> deliveries, boolean isAlone) {
    CompletableFuture<Void> told;
    synchronized (ready) {
      for (Delivery delivery : deliveries) ready.add(new Ticket(delivery, isAlone, false, inFlight));
      told = available;
    }
    told.complete(null);
  }

  private void stayAlive() throws Refusal {
    long now = System.currentTimeMillis();
    String serves = Announcement.of(settings.job, consumer);
    // Somebody may wait to hear of it.
    if (now - beatenAt >= BEAT_MS || !serves.equals(announced)) {
      beatenAt = now;
      announced = serves;
      // What was given back is looked for in the next step.
      if (queue.beat(serves)) sweptAt = 0;
    }
    if (now - heldAt >= settings.minIdleMs / 3) {
      heldAt = now;
      queue.hold();
    }
  }

  private void pause() {
    try {
      Thread.sleep(WAIT_MS);
    } catch (InterruptedException end) {
      isOpen = false;
    }
  }
}
