// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.data.DataTool;
import bulwark.observe.Events;

/** Main class of the data commands that need no executors: they read footers and key material only. */
public final class DataMain {
  private DataMain() {}

  /**
   * @param args those of {@link DataTool}
   */
  public static void main(String[] args) throws Exception {
    Lifeline.watch();
    try {
      DataTool.main(args);
    } catch (Throwable failure) {
      Events.sink().failure(failure);
      System.exit(1);
    }
  }
}
