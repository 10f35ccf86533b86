// SPDX-License-Identifier: Apache-2.0
package bulwark.observe;

import java.lang.reflect.InvocationTargetException;
import java.util.Map;

/** An exception as the runner shows it: class, first line, and the code when it is one of ours. */
final class Failure {
  private Failure() {}

  static Map<String, Object> describe(Throwable failure) {
    Throwable shown = failure;
    while (shown instanceof InvocationTargetException && shown.getCause() != null) {
      shown = shown.getCause();
    }
    return Events.fields("class", shown.getClass().getName(), "message", firstLine(shown.getMessage()));
  }

  static String firstLine(String text) {
    return text == null ? null : text.lines().filter(line -> !line.isBlank()).findFirst().orElse("").strip();
  }
}
