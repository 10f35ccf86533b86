// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import bulwark.serving.Ending.Ended;
import bulwark.serving.Ending.Left;
import bulwark.serving.RedisLink.RedisAnswer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends records as a sink of Flink. One batch is one step of Redis, over when `write` returns, so at a barrier
 * nothing is under way. The acknowledgement is part of that step and waits for no checkpoint.
 */
final class ResultSink implements Sink<Outcome[]> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(ResultSink.class);

  private final String settingsFile;

  ResultSink(String settingsFile) {
    this.settingsFile = settingsFile;
  }

  @Override
  public SinkWriter<Outcome[]> createWriter(WriterInitContext context) throws IOException {
    try {
      Settings settings = Settings.read(Path.of(settingsFile));
      RedisLink link = new RedisLink(settings.redis);
      return new Writer(link, new Ending(link, settings), new RecordCounts(context.metricGroup()));
    } catch (Refusal refusal) {
      throw new IOException(refusal.getMessage(), refusal);
    }
  }

  private record Writer(RedisLink link, Ending ending, RecordCounts counts) implements SinkWriter<Outcome[]> {
    private static final long PAUSE_MS = 50;

    @Override
    public void write(Outcome[] outcomes, Context context) throws InterruptedException {
      List<Outcome> all = Arrays.asList(outcomes);
      Ended ended = endWhenThere(all);
      counts.add(ended.done(), ended.before());
      // Nobody holds them any more, so they are taken over, and tried again.
      for (Left left : ended.left()) LOG.error("record {} left: {}", left.outcome().delivery().id(), left.why());
      for (Outcome outcome : all) outcome.ticket().holder().end(outcome.delivery());
    }

    /** However long Redis is away: the results are here and would have to be computed again. */
    private Ended endWhenThere(List<Outcome> outcomes) throws InterruptedException {
      for (;;) {
        try {
          return ending.end(outcomes);
        } catch (Refusal away) {
          Thread.sleep(PAUSE_MS);
        } catch (RedisAnswer answer) {
          // It is still reading its file; everything else is a fault of ours.
          if (!answer.begins("LOADING")) throw answer;
          Thread.sleep(PAUSE_MS);
        }
      }
    }

    @Override
    public void flush(boolean isEnd) {}

    @Override
    public void close() {
      link.close();
    }
  }
}
