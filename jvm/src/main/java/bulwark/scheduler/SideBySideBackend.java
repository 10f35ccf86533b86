// SPDX-License-Identifier: Apache-2.0
package bulwark.scheduler;

import bulwark.observe.Events;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.rpc.RpcEndpointAddress;
import org.apache.spark.scheduler.TaskSchedulerImpl;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;

/**
 * Spark's own backend, which writes down where it listens, waits for all executors, and then for its release: no task
 * runs before Bulwark has seen that the application is protected as planned. Bulwark sets the time limit.
 */
final class SideBySideBackend extends CoarseGrainedSchedulerBackend {
  private final SparkContext context;
  private final String applicationId;
  private final int expectedExecutors;
  private final Path release;

  SideBySideBackend(TaskSchedulerImpl scheduler, SparkContext context) {
    super(scheduler, context.env().rpcEnv());
    this.context = context;
    this.applicationId = context.conf().get("spark.bulwark.applicationId");
    this.expectedExecutors = context.conf().getInt("spark.executor.instances", 1);
    this.release = Path.of(context.conf().get("spark.bulwark.releaseFile"));
  }

  @Override
  public void start() {
    super.start();
    SparkConf conf = context.conf();
    String url =
        new RpcEndpointAddress(
                conf.get("spark.driver.host"),
                Integer.parseInt(conf.get("spark.driver.port")),
                CoarseGrainedSchedulerBackend.ENDPOINT_NAME())
            .toString();
    publish(Path.of(conf.get("spark.bulwark.driverUrlFile")), url);
    Events.sink().driverReady(url, context.uiWebUrl().getOrElse(() -> null));
  }

  @Override
  public void stop() {
    try {
      // Executors started from now on wait for the next application of this program.
      Files.deleteIfExists(Path.of(context.conf().get("spark.bulwark.driverUrlFile")));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    super.stop();
  }

  @Override
  public boolean isReady() {
    return sufficientResourcesRegistered() && Files.exists(release);
  }

  @Override
  public boolean sufficientResourcesRegistered() {
    return totalRegisteredExecutors().get() >= expectedExecutors;
  }

  @Override
  public String applicationId() {
    return applicationId;
  }

  private static void publish(Path file, String text) {
    try {
      Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
      Files.writeString(temporary, text);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
