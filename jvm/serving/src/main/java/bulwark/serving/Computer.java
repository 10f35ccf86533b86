// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens records, and answers them in the dialect of their askers, as services/inference-engine does. Records that are
 * sealed get sealed answers; those of older clients get text.
 */
final class Computer {
  /** What older clients read as "no result". */
  private static final byte[] FAILED = "NaN".getBytes(StandardCharsets.US_ASCII);

  private final Settings settings;
  private final Models models;
  private final Keyring recordKeys;
  private final PostProcessing postProcessing;
  private final Fitting fitting;

  Computer(Settings settings, Models models, Keyring keyring) throws Refusal {
    this.settings = settings;
    this.models = models;
    this.recordKeys = keyring.only(settings.recordKey);
    this.fitting = new Fitting(settings.older.resize, OlderBlob.read(settings.older.records));
    this.postProcessing = PostProcessing.parse(settings.older.postProcessing);
  }

  /** Opens a record and finds its model. Throws why it cannot be computed. */
  Task open(Ticket ticket) throws Refusal {
    Delivery delivery = ticket.delivery();
    check(delivery);
    if (!delivery.isSealed()) return openOlder(ticket, delivery.serde(), delivery.data(), null);
    Envelope envelope = openEnvelope(delivery);
    RecordReader.Request request = RecordReader.read(envelope.request(delivery.data()));
    if (request.isOlder()) return openOlder(ticket, request.serde(), request.data(), envelope);
    Model model = models.find(delivery.model() == null ? "" : delivery.model(), request.version());
    Checked.checkOutputs(request.outputs(), model);
    return new Task(ticket, model, Checked.check(request.inputs(), model), envelope, false, request.outputs());
  }

  /** The end of a record with its result. `run` as an `Outcome` has it. */
  Outcome answer(Task task, List<Tensor> results, String run) throws Refusal {
    byte[] value = task.isOlder() ? writeOlder(results) : writeTensors(task, results);
    Envelope envelope = task.envelope();
    if (envelope == null) return new Outcome(task.ticket(), value, "", false, run);
    byte[] content = task.isOlder() ? RecordWriter.older(value) : value;
    return new Outcome(task.ticket(), envelope.result(content), "", false, run);
  }

  /** The end of a record without one: the asker is told why, in his own dialect. */
  Outcome refuse(Ticket ticket, Refusal refusal) {
    boolean isDead = !refusal.isOfTheAsker() && !ticket.delivery().isSentAgain();
    return new Outcome(ticket, tell(ticket.delivery(), refusal), refusal.code(), isDead, "");
  }

  private byte[] tell(Delivery delivery, Refusal refusal) {
    if (!delivery.isSealed()) return FAILED;
    try {
      Envelope envelope = openEnvelope(delivery);
      boolean isOlder = RecordReader.isOlder(envelope.request(delivery.data()));
      return envelope.result(isOlder ? RecordWriter.older(FAILED) : RecordWriter.failure(refusal));
    } catch (Refusal noKey) {
      // Without the record's key nothing can be sealed: the bare code tells enough.
      return Envelope.bareFailure(refusal.code());
    }
  }

  /** What must be true before a record is computed. */
  private void check(Delivery delivery) throws Refusal {
    boolean isLate = delivery.isOver();
    // Whether it was what took its engine down is not tried out when nobody waits for it any more.
    if (delivery.deliveries() > (isLate ? 1 : settings.mostDeliveries)) {
      long before = delivery.deliveries() - 1;
      String message = "The record was handed out " + before + " times, and nothing that computed it came back.";
      throw new Refusal("QUEUE_DELIVERIES", message, "look at the dead letter and at the engine's log");
    }
    if (isLate) {
      throw new Refusal("SERVING_DEADLINE", "The deadline passed while the record waited.", "allow more time");
    }
    if (delivery.deliveries() > 1 && delivery.isSentAgain()) {
      String message = "One of the requests of the record may have taken its engine down.";
      throw new Refusal("QUEUE_SHARED", message, "their gateway sends each alone");
    }
  }

  private Envelope openEnvelope(Delivery delivery) throws Refusal {
    return Envelope.open(recordKeys, delivery.data(), settings.job, delivery.uri(), delivery.model());
  }

  private Task openOlder(Ticket ticket, String serde, byte[] data, Envelope envelope) throws Refusal {
    // Only the gateway and the relay, which seal, say which model is meant.
    Model model = models.findForOlder(envelope == null ? null : ticket.delivery().model());
    List<Tensor> inputs = FitInputs.fit(OlderRecord.read(serde, data), model.inputs(), fitting);
    return new Task(ticket, model, Checked.check(inputs, model), envelope, true, List.of());
  }

  private byte[] writeOlder(List<Tensor> results) throws Refusal {
    String text = postProcessing == null ? OlderResult.encode(results) : postProcessing.apply(results);
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] writeTensors(Task task, List<Tensor> results) {
    List<Tensor> wanted = results;
    if (!task.outputs().isEmpty()) {
      wanted = new ArrayList<>();
      for (String name : task.outputs()) for (Tensor one : results) if (one.name().equals(name)) wanted.add(one);
    }
    return RecordWriter.tensors(task.model().name(), task.model().version(), wanted);
  }
}
