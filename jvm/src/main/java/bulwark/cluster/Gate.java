// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import bulwark.log.ExecutorLogs;
import bulwark.log.KeptLog;
import bulwark.log.LogLines;
import bulwark.observe.ProgressListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationStart;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds an application back until it was looked at. Spark calls {@link #registerMetrics} when executors have registered
 * and before the program gets its context, so no task runs before; an exception there ends the application.
 */
final class Gate implements DriverPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(Gate.class);
  private static final long LOOKS_LIMIT_SECONDS = 60;

  private final Map<String, SelfLook> looks = new ConcurrentHashMap<>();
  private final Application application = Application.ofProcess();
  private final ExecutorLogs logs = new ExecutorLogs(KeptLog.ofProcess());
  private SparkContext context;
  private Observers observers;
  private volatile boolean open;

  @Override
  public Map<String, String> init(SparkContext sparkContext, PluginContext pluginContext) {
    context = sparkContext;
    KeptLog.ofProcess().ifPresent(log -> log.begin(Thread.currentThread().getContextClassLoader()));
    context.addSparkListener(new ProgressListener(application.report(), context.conf()));
    context.addSparkListener(
        new SparkListener() {
          @Override
          public void onApplicationStart(SparkListenerApplicationStart event) {
            begin(event.appId().getOrElse(() -> null));
          }

          @Override
          public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
            logs.forget(event.executorId());
          }
        });
    return Map.of();
  }

  /** Executors are asked for. The first question to the API server takes a second, in which they come up. */
  private void begin(String applicationId) {
    application.report().start(applicationId, wanted());
    inBackground(() -> application.api().executors(applicationId));
  }

  @Override
  public void registerMetrics(String applicationId, PluginContext pluginContext) {
    int wanted = wanted();
    application.report().enter("observing");
    requireExecutors(wanted);
    observers = new Observers(application.pod(), application.api(), context, applicationId);
    List<SelfLook> taken = awaitLooks(wanted);
    List<Observation> observations = observers.look(taken);
    application.tell(observations, taken);
    observations.forEach(Gate::log);
    open = true;
    refuseUnless(observations);
    application.report().enter("running");
    inBackground(this::sweep);
  }

  private static void inBackground(Runnable task) {
    Thread thread = new Thread(task, "bulwark-look");
    thread.setDaemon(true);
    thread.start();
  }

  /** Executors of an earlier attempt that died with its driver are still listed. */
  private void sweep() {
    try {
      application.api().sweep(application.pod(), "executor", false);
    } catch (RuntimeException left) {
      LOG.warn("Executors of an earlier attempt could not be removed: {}", left.getMessage());
    }
  }

  /** From an executor: its look at itself when it begins, then what it prints. */
  @Override
  public Object receive(Object message) {
    if (message instanceof LogLines lines) {
      return logs.take(lines);
    }
    if (message instanceof SelfLook look) {
      looks.put(look.who(), look);
      synchronized (looks) {
        looks.notifyAll();
      }
      // One that comes later than the others is looked at when it comes.
      if (open) {
        inBackground(() -> lookLater(look));
      }
    }
    return null;
  }

  /** Executors have been told to stop; Spark's channel goes next. */
  @Override
  public void shutdown() {
    logs.awaitLastWords();
  }

  private int wanted() {
    var conf = context.conf();
    boolean dynamic = conf.getBoolean("spark.dynamicAllocation.enabled", false);
    return conf.getInt(dynamic ? "spark.dynamicAllocation.initialExecutors" : "spark.executor.instances", 0);
  }

  private void requireExecutors(int wanted) {
    int registered = ((CoarseGrainedSchedulerBackend) context.schedulerBackend()).getExecutorIds().size();
    if (registered < wanted) {
      String limit = context.conf().get("spark.scheduler.maxRegisteredResourcesWaitingTime", "30s");
      throw application.refuse(
          "RUN_START_FAILED", registered + " of " + wanted + " executors came up within " + limit);
    }
  }

  private List<SelfLook> awaitLooks(int wanted) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LOOKS_LIMIT_SECONDS);
    synchronized (looks) {
      while (looks.size() < wanted && System.nanoTime() < end) {
        try {
          looks.wait(TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()) + 1);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          break;
        }
      }
    }
    if (looks.size() < wanted) {
      throw application.refuse(
          "SECURITY_MISMATCH", (wanted - looks.size()) + " executors did not say how they are protected");
    }
    List<SelfLook> taken = new ArrayList<>(looks.values());
    taken.add(SelfLook.take("driver", application.pod().name()));
    return taken;
  }

  private void lookLater(SelfLook look) {
    try {
      List<Observation> seen = observers.lookAt(look);
      application.tellTee(look);
      seen.forEach(Gate::log);
      refuseUnless(seen);
    } catch (Refusal refused) {
      // The program sees its context end; why, this process remembers.
      context.stop();
    }
  }

  private void refuseUnless(List<Observation> observations) {
    for (Observation observation : observations) {
      if (!observation.asPlanned()) {
        throw application.refuse("SECURITY_MISMATCH", observation.subject() + ": " + observation.observed());
      }
    }
  }

  private static void log(Observation seen) {
    String state = seen.asPlanned() ? "as planned" : "DIFFERS";
    LOG.info("security {}: {}: {} ({})", state, seen.subject(), seen.observed(), seen.protection());
  }
}
