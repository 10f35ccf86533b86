// SPDX-License-Identifier: Apache-2.0
package bulwark.scheduler;

import bulwark.observe.Events;
import bulwark.observe.ProgressListener;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.ExternalClusterManager;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.TaskScheduler;
import org.apache.spark.scheduler.TaskSchedulerImpl;

/**
 * Spark's cluster manager for master {@code spark-bulwark://local}: driver and executors are started side by side by
 * Bulwark, so there is no master, no worker, and nobody who passes secrets on.
 */
public final class SideBySideManager implements ExternalClusterManager {
  /** SparkSubmit takes only masters that begin with a known word; this one begins with "spark". */
  static final String MASTER = "spark-bulwark://";

  @Override
  public boolean canCreate(String masterUrl) {
    return masterUrl.startsWith(MASTER);
  }

  @Override
  public TaskScheduler createTaskScheduler(SparkContext context, String masterUrl) {
    return new TaskSchedulerImpl(context);
  }

  @Override
  public SchedulerBackend createSchedulerBackend(SparkContext context, String masterUrl, TaskScheduler scheduler) {
    context.addSparkListener(new ProgressListener(Events.sink(), context.conf()));
    return new SideBySideBackend((TaskSchedulerImpl) scheduler, context);
  }

  @Override
  public void initialize(TaskScheduler scheduler, SchedulerBackend backend) {
    ((TaskSchedulerImpl) scheduler).initialize(backend);
  }
}
