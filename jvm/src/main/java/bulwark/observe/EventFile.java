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
 * What the driver tells the runner on the same machine: one JSON object per line, appended to a file. A line is written
 * whole or not at all, so several readers may follow the file.
 */
final class EventFile implements Events {
  static final Events OF_PROCESS = new EventFile(System.getProperty("bulwark.events"));

  private static final ObjectMapper JSON = new ObjectMapper();

  private final OutputStream out;

  private EventFile(String file) {
    try {
      out =
          file == null
              ? OutputStream.nullOutputStream()
              : Files.newOutputStream(Path.of(file), StandardOpenOption.APPEND, StandardOpenOption.CREATE);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public synchronized void write(String type, Map<String, Object> fields) {
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
}
