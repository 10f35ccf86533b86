// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.executor.CoarseGrainedExecutorBackend;

/**
 * Main class of an executor. It is started side by side with the driver: it loads what it will need, and enters Spark's
 * own executor as soon as the driver has written where it listens.
 */
public final class ExecutorMain {
  private static final long POLL_MILLIS = 5;
  /** What an executor always touches first; loading it while the driver still starts costs nothing. */
  private static final String[] NEEDED = {
    "org.apache.spark.executor.CoarseGrainedExecutorBackend$",
    "org.apache.spark.executor.Executor",
    "org.apache.spark.rpc.netty.NettyRpcEnv",
    "org.apache.spark.network.netty.NettyBlockTransferService",
    "org.apache.spark.storage.BlockManager",
    "org.apache.spark.network.crypto.AuthEngine",
    "org.apache.spark.serializer.JavaSerializer",
    "org.apache.spark.memory.UnifiedMemoryManager",
  };

  private ExecutorMain() {}

  /**
   * @param args the secrets file, the file in which the driver writes its URL, then the arguments of Spark's executor
   *     except {@code --driver-url}
   */
  public static void main(String[] args) throws Exception {
    Lifeline.watch();
    Secrets.load(Path.of(args[0]));
    for (String name : NEEDED) {
      load(name);
    }
    List<String> rest = new ArrayList<>(List.of("--driver-url", awaitDriver(Path.of(args[1]))));
    rest.addAll(Arrays.asList(args).subList(2, args.length));
    CoarseGrainedExecutorBackend.main(rest.toArray(String[]::new));
  }

  private static void load(String name) {
    try {
      Class.forName(name);
    } catch (ClassNotFoundException | LinkageError absent) {
      // Only a head start: another Spark version may have other classes.
    }
  }

  // No limit here: the parent decides how long to wait, and its end ends this process.
  private static String awaitDriver(Path file) throws IOException, InterruptedException {
    while (!Files.exists(file)) {
      Thread.sleep(POLL_MILLIS);
    }
    return Files.readString(file).strip();
  }
}
