// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.file.Path;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.java.typeutils.GenericTypeInfo;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The job: records of the queue in, ONNX Runtime, results out. The three are one chain in one thread, so a record is
 * never copied or written on its way, and each subtask is a region of its own that fails and restarts by itself.
 */
public final class ServingJob {
  private static final String NAME = "cluster-serving-job";

  private ServingJob() {}

  /** One argument: the settings file, which every process of Flink reads at this path. */
  public static void main(String[] args) throws Exception {
    String settingsFile = args[0];
    Settings settings = Settings.read(Path.of(settingsFile));
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment();
    flink.setParallelism(settings.parallelism);
    // Tickets pass on as they are: they know the reader that waits for them.
    flink.getConfig().enableObjectReuse();
    flink
        .fromSource(
            new QueueSource(settingsFile),
            WatermarkStrategy.noWatermarks(),
            "queue",
            new GenericTypeInfo<>(Ticket.class))
        .uid("queue")
        .transform("inference", new GenericTypeInfo<>(Outcome[].class), new Batcher(settingsFile))
        .uid("inference")
        .sinkTo(new ResultSink(settingsFile))
        .name("results")
        .uid("results");
    flink.execute(NAME);
  }
}
