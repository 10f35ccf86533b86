// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Gathers records into batches by count and time, and computes them, as an operator of Flink. A batch runs when it is
 * full, when its window ends, when nothing waits behind it, and before every barrier. Nothing is kept here beyond one
 * but records for a model that is being loaded, and the reader gives these back should it end.
 */
final class Batcher extends AbstractStreamOperator<Outcome[]> implements OneInputStreamOperator<Ticket, Outcome[]> {
  private static final long serialVersionUID = 1L;
  /** Results are written together, but none waits longer than this for others. */
  private static final long LONGEST_HOLD_MS = 2;
  private static final int MOST_HELD = 128;
  private static final long TIDY_MS = 200;

  private final String settingsFile;
  private transient Models models;
  private transient Collector collector;
  private transient RedisLink link;
  private transient OrderFollower follower;
  private transient Computer computer;
  private transient Map<Model, Batch> batches;
  /** By model and version. One that is loaded again goes on: Flink takes a metric once. */
  private transient Map<List<String>, RunCounts> counts;
  /** Records for a model that is being loaded, as somebody ordered. */
  private transient List<Ticket> waiting;
  private transient List<Outcome> done;
  private transient long doneSince;

  Batcher(String settingsFile) {
    this.settingsFile = settingsFile;
  }

  /** Loads the models, and carries out what was ordered of them. The task reads nothing before. */
  @Override
  public void open() throws Exception {
    super.open();
    Settings settings = Settings.read(Path.of(settingsFile));
    Keyring keyring = Keyring.read(settings.keyringFile);
    models = Models.load(settings, new ModelKeys(keyring, OlderBlob.read(settings.older.models)));
    computer = new Computer(settings, models, keyring);
    collector = Collector.open(settings.tracesEndpoint);
    batches = new LinkedHashMap<>();
    counts = new HashMap<>();
    waiting = new ArrayList<>();
    done = new ArrayList<>();
    follow(settings, keyring.only(settings.recordKey));
    getProcessingTimeService().scheduleWithFixedDelay(at -> tidy(), TIDY_MS, TIDY_MS);
  }

  /** Without the key of records there are no orders that could be opened. */
  private void follow(Settings settings, Keyring recordKeys) throws Exception {
    String job = settings.job;
    String consumer = settings.consumerOf(getRuntimeContext().getTaskInfo().getIndexOfThisSubtask());
    if (recordKeys.isEmpty()) {
      Announcement.say(job, consumer, models, null, List.of());
      return;
    }
    link = new RedisLink(settings.redis);
    Orders orders = new Orders(link, job, recordKeys);
    List<KeyFingerprint> keys = recordKeys.fingerprints();
    follower = new OrderFollower(orders::readNew, models, done -> Announcement.say(job, consumer, models, done, keys));
    follower.start();
  }

  @Override
  public void processElement(StreamRecord<Ticket> element) {
    Ticket ticket = element.getValue();
    if (ticket.isAlone()) runAll();
    gather(ticket);
    if (ticket.isAlone()) runAll();
    else if (ticket.isLast()) runDue();
    if (ticket.isAlone() || ticket.isLast()) emit();
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) {
    runAll();
    emit();
  }

  @Override
  public void finish() throws Exception {
    runAll();
    emit();
    super.finish();
  }

  @Override
  public void close() throws Exception {
    if (follower != null) follower.close();
    if (link != null) link.close();
    if (models != null) models.close();
    if (collector != null) collector.close();
    super.close();
  }

  private void gather(Ticket ticket) {
    // Asked first: it may be there once it is not being loaded any more.
    boolean mayWait = models.isLoading(ticket.delivery().model());
    Task task;
    try {
      task = computer.open(ticket);
    } catch (Refusal | RuntimeException error) {
      Refusal refusal = Refusal.of(error);
      if (mayWait && refusal.isOfTheModel()) waiting.add(ticket);
      else end(List.of(computer.refuse(ticket, refusal)));
      return;
    }
    Batch batch = batches.computeIfAbsent(task.model(), this::makeBatch);
    if (!batch.takes(task)) end(batch.run(computer));
    long now = getProcessingTimeService().getCurrentProcessingTime();
    boolean isFirst = batch.isEmpty();
    batch.add(task, now);
    if (batch.isFull()) end(batch.run(computer));
    else if (isFirst && batch.dueAt() > now) getProcessingTimeService().registerTimer(batch.dueAt(), at -> {
      runDue();
      emit();
    });
  }

  private Batch makeBatch(Model model) {
    List<String> key = List.of(model.name(), model.version());
    return new Batch(model, counts.computeIfAbsent(key, first -> {
      return new RunCounts(getMetricGroup(), model.name(), model.version());
    }));
  }

  /**
   * Closes models that orders replaced or took away, of which nothing can be found any more, and looks again at what
   * waits for one.
   */
  private void tidy() {
    for (Model model : models.takeReplaced()) {
      Batch batch = batches.remove(model);
      if (batch != null && !batch.isEmpty()) end(batch.run(computer));
      model.close();
    }
    List<Ticket> former = waiting;
    waiting = new ArrayList<>();
    for (Ticket ticket : former) {
      Delivery delivery = ticket.delivery();
      if (models.isLoading(delivery.model()) && !delivery.isOver()) waiting.add(ticket);
      else gather(ticket);
    }
    runDue();
    emit();
  }

  private void runDue() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    for (Batch batch : batches.values()) if (!batch.isEmpty() && batch.dueAt() <= now) end(batch.run(computer));
  }

  private void runAll() {
    for (Batch batch : batches.values()) if (!batch.isEmpty()) end(batch.run(computer));
  }

  private void end(List<Outcome> outcomes) {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    if (done.isEmpty()) doneSince = now;
    if (collector != null) for (Outcome outcome : outcomes) collector.tell(Span.of(outcome));
    done.addAll(outcomes);
    if (done.size() >= MOST_HELD || now - doneSince >= LONGEST_HOLD_MS) emit();
  }

  private void emit() {
    if (done.isEmpty()) return;
    Outcome[] outcomes = done.toArray(Outcome[]::new);
    done.clear();
    output.collect(new StreamRecord<>(outcomes));
  }
}
