// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.observe.Events;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.spark.deploy.SparkSubmit;
import org.slf4j.LoggerFactory;

/** Main class of a driver: secrets from a file into the JVM, then Spark's own submit. */
public final class DriverMain {
  private DriverMain() {}

  /**
   * @param args the secrets file, then the arguments of {@code spark-submit}
   */
  public static void main(String[] args) throws Exception {
    Lifeline.watch();
    Secrets.load(Path.of(args[0]));
    try {
      SparkSubmit.main(Arrays.copyOfRange(args, 1, args.length));
    } catch (Throwable failure) {
      Events.sink().failure(failure);
      LoggerFactory.getLogger(DriverMain.class).error("The application failed", failure);
      System.exit(1);
    }
    // A user's program may leave threads of its own behind; when its main method is done, the application is done.
    System.exit(0);
  }
}
