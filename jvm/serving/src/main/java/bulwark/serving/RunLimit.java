// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.RunOptions;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends runs that take too long. ONNX Runtime ends a run between two operators when it is told; one that hangs within an
 * operator can only be ended with its process, whose successor finds the records again, counted.
 */
final class RunLimit implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLimit.class);
  private static final long GRACE_MS = 10_000;
  /** As if killed: the process is started again. */
  private static final int HANGS = 137;

  private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, RunLimit::makeThread);

  RunLimit() {
    timer.setRemoveOnCancelPolicy(true);
  }

  /** One run, from its start to its end. */
  final class Run implements AutoCloseable {
    private final RunOptions options;
    private final Runnable cancel;
    private boolean isOver;
    private boolean isLate;

    private Run(long limitMs) throws OrtException {
      options = new RunOptions();
      var ending = timer.schedule(this::end, limitMs, TimeUnit.MILLISECONDS);
      var halting = timer.schedule(this::halt, limitMs + GRACE_MS, TimeUnit.MILLISECONDS);
      cancel = () -> {
        ending.cancel(false);
        halting.cancel(false);
      };
    }

    RunOptions options() {
      return options;
    }

    synchronized boolean isLate() {
      return isLate;
    }

    private synchronized void end() {
      if (isOver) return;
      isLate = true;
      try {
        options.setTerminate(true);
      } catch (OrtException unheard) {
        LOG.warn("a run could not be told to end");
      }
    }

    private synchronized void halt() {
      if (isOver) return;
      LOG.error("a run of a model hangs; this process ends");
      Runtime.getRuntime().halt(HANGS);
    }

    @Override
    public synchronized void close() {
      isOver = true;
      cancel.run();
      options.close();
    }
  }

  Run start(long limitMs) throws OrtException {
    return new Run(limitMs);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private static Thread makeThread(Runnable task) {
    Thread thread = new Thread(task, "bulwark-run-limit");
    thread.setDaemon(true);
    return thread;
  }
}
