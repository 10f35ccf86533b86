// SPDX-License-Identifier: Apache-2.0
package bulwark.observe;

import java.util.LinkedHashMap;
import java.util.Map;

/** Who is told what happens in a driver: a file on one machine, the driver's own pod in a cluster. */
public interface Events {
  /** One event; may be called by any thread. */
  void write(String type, Map<String, Object> fields);

  /** The sink of this process: the file named by the system property {@code bulwark.events}, or nobody. */
  static Events sink() {
    return EventFile.OF_PROCESS;
  }

  /** The driver accepts executors at {@code url}; its UI, if any, is at {@code ui}. */
  default void driverReady(String url, String ui) {
    write("ready", fields("url", url, "ui", ui));
  }

  /** The application ended with this exception. */
  default void failure(Throwable failure) {
    write("failure", Failure.describe(failure));
  }

  /** Names and values in turn; a null value is left out. */
  static Map<String, Object> fields(Object... pairs) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i + 1] != null) {
        fields.put((String) pairs[i], pairs[i + 1]);
      }
    }
    return fields;
  }
}
