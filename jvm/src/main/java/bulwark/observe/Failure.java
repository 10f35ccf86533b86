// SPDX-License-Identifier: Apache-2.0
package bulwark.observe;

import bulwark.data.Failures;
import java.lang.reflect.InvocationTargetException;
import java.util.Map;

/** An exception as the runner shows it: class, first line, and the code when it is one of ours. */
public final class Failure {
  private Failure() {}

  /** Class, message and code of an exception. */
  public static Map<String, Object> describe(Throwable failure) {
    Throwable shown = failure;
    while (shown instanceof InvocationTargetException && shown.getCause() != null) {
      shown = shown.getCause();
    }
    Map<String, Object> fields =
        Events.fields("class", shown.getClass().getName(), "message", firstLine(shown.getMessage()));
    Failures.describe(failure).ifPresent(found -> replace(fields, found));
    return fields;
  }

  /** A failure of which there is only text, as of a task on an executor. */
  static Map<String, Object> describeText(String text) {
    Map<String, Object> fields = Events.fields("message", text);
    if (text != null) {
      Failures.describe(text).ifPresent(found -> replace(fields, found));
    }
    return fields;
  }

  private static void replace(Map<String, Object> fields, Failures.Failure found) {
    fields.put("code", found.code());
    fields.put("message", found.sentence());
  }

  /** The first line that says something. */
  public static String firstLine(String text) {
    return text == null ? null : text.lines().filter(line -> !line.isBlank()).findFirst().orElse("").strip();
  }
}
