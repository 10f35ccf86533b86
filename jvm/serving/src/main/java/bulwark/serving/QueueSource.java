// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Records of the queue as a source of Flink (FLIP-27). A split is a consumer of the group: its name follows from the
 * number of the subtask, so that a subtask that is started again, anywhere, finds what its predecessor held. Nothing
 * is kept in checkpoints: which record was given to whom and is not ended is written in Redis, and nowhere else.
 */
final class QueueSource implements Source<Ticket, QueueSource.Consumer, Void> {
  private static final long serialVersionUID = 1L;

  private final String settingsFile;

  QueueSource(String settingsFile) {
    this.settingsFile = settingsFile;
  }

  /** One consumer of the group. */
  record Consumer(int number) implements SourceSplit {
    @Override
    public String splitId() {
      return Integer.toString(number);
    }
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<Ticket, Consumer> createReader(SourceReaderContext context) throws Refusal {
    return new QueueReader(Settings.read(Path.of(settingsFile)), context.metricGroup());
  }

  @Override
  public SplitEnumerator<Consumer, Void> createEnumerator(SplitEnumeratorContext<Consumer> context) {
    return new Enumerator(context);
  }

  @Override
  public SplitEnumerator<Consumer, Void> restoreEnumerator(SplitEnumeratorContext<Consumer> context, Void nothing) {
    return new Enumerator(context);
  }

  @Override
  public SimpleVersionedSerializer<Consumer> getSplitSerializer() {
    return new Serializer<>() {
      @Override
      public byte[] serialize(Consumer split) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(split.number()).array();
      }

      @Override
      public Consumer deserialize(int version, byte[] bytes) {
        return new Consumer(ByteBuffer.wrap(bytes).getInt());
      }
    };
  }

  @Override
  public SimpleVersionedSerializer<Void> getEnumeratorCheckpointSerializer() {
    return new Serializer<>() {
      @Override
      public byte[] serialize(Void nothing) {
        return new byte[0];
      }

      @Override
      public Void deserialize(int version, byte[] bytes) {
        return null;
      }
    };
  }

  private abstract static class Serializer<Value> implements SimpleVersionedSerializer<Value> {
    @Override
    public int getVersion() {
      return 1;
    }
  }

  /**
   * Gives each reader the consumer of its number, whenever it registers: at the start, after a failure, after a
   * rescale.
   */
  private record Enumerator(SplitEnumeratorContext<Consumer> context) implements SplitEnumerator<Consumer, Void> {
    @Override
    public void addReader(int subtask) {
      context.assignSplit(new Consumer(subtask), subtask);
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<Consumer> splits, int subtask) {
      // Its successor registers, and is given the consumer of its number then.
    }

    @Override
    public Void snapshotState(long checkpoint) {
      return null;
    }

    @Override
    public void close() throws IOException {}
  }
}
