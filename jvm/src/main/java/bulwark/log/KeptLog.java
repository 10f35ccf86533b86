// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.util.Optional;

/**
 * Where a driver keeps what it and its executors print, so that it is still there when the pods are gone. These are
 * copies: where they cannot be kept, the job goes on without them, and says so.
 */
public interface KeptLog {
  /** System property with the folder of a release, or its address; the chart sets it where event logs have a place. */
  String FOLDER = "bulwark.log.copy";

  /** That of this driver, if it was told where to keep it. */
  static Optional<KeptLog> ofProcess() {
    return LogOfProcess.KEPT;
  }

  /** The application begins: what is kept until then waits for it, where it needs what Spark loads. */
  default void begin(ClassLoader ofSpark) {}

  /** Keeps a line of the driver. */
  void keepDriver(byte[] line);

  /** Keeps lines of an executor; whether it did. */
  boolean keepExecutor(String id, byte[] lines);
}
