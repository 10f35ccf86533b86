// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * How a process ends, by the error code of its failure: a resource generated from the project's list of errors, so that
 * a pod ends as the tool would. The job's controller does not repeat what cannot succeed another time.
 */
final class ExitCodes {
  static final int DONE = 0;
  /** The application ran and failed. */
  private static final String FAILED = "5";

  private static final Properties CODES = read();

  private ExitCodes() {}

  /** The exit code of an error code; null, as of an exception of the application: 5. */
  static int of(String code) {
    return Integer.parseInt(code == null ? FAILED : CODES.getProperty(code, FAILED));
  }

  private static Properties read() {
    Properties codes = new Properties();
    try (InputStream in = ExitCodes.class.getResourceAsStream("/bulwark/exit-codes.properties")) {
      codes.load(in);
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return codes;
  }
}
