// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.nio.file.Path;
import java.util.Arrays;
import org.apache.spark.deploy.history.HistoryServer;

/** Main class of a history server: the token and the store password from a file, then Spark's own server. */
public final class HistoryMain {
  private HistoryMain() {}

  /**
   * @param args the secrets file, then the arguments of Spark's history server
   */
  public static void main(String[] args) throws Exception {
    Lifeline.watch();
    Secrets.load(Path.of(args[0]));
    HistoryServer.main(Arrays.copyOfRange(args, 1, args.length));
  }
}
