// SPDX-License-Identifier: Apache-2.0
package bulwark.observe;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the driver tells the runner: one JSON object per line, appended to the file named by the system property {@code
 * bulwark.events}. A line is written whole or not at all, so several readers may follow the file.
 */
public final class Events {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Events SINK = new Events(System.getProperty("bulwark.events"));

  private final OutputStream out;

  private Events(String file) {
    try {
      out =
          file == null
              ? OutputStream.nullOutputStream()
              : Files.newOutputStream(Path.of(file), StandardOpenOption.APPEND, StandardOpenOption.CREATE);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** The sink of this process; without the property, events go nowhere. */
  public static Events sink() {
    return SINK;
  }

  /** The driver accepts executors at {@code url}; its UI, if any, is at {@code ui}. */
  public void driverReady(String url, String ui) {
    write("ready", fields("url", url, "ui", ui));
  }

  /** The application ended with this exception. */
  public static void failure(Throwable failure) {
    SINK.write("failure", Failure.describe(failure));
  }

  synchronized void write(String type, Map<String, Object> fields) {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("at", System.currentTimeMillis());
    event.put("type", type);
    event.putAll(fields);
    try {
      out.write((JSON.writeValueAsString(event) + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException unwritable) {
      // Progress is for people; the job does not fail because nobody can be told.
    }
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
