// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/** Main class of a pod that fetches from a Hadoop file system what a job left there. */
public final class ReadStore {
  /** Name of a segment: the driver's pod and a number. */
  private static final Pattern SEGMENT = Pattern.compile("(.+)\\.\\d{6,}\\.log");
  private static final Pattern PART = Pattern.compile("^\\S+Z ([a-z]+(?:-\\d{1,10})?) ");
  private static final String LOGS = "bulwark-logs";
  /** Exit code: no class for such an address is in the image or among the job's jars. */
  private static final int NO_CONNECTOR = 5;

  private ReadStore() {}

  /**
   * @param args {@code logs} or {@code events}; the address of the folder; a folder of this pod, which must not exist;
   *     the time since which files count, in milliseconds of the epoch
   */
  public static void main(String[] args) throws IOException {
    URI address = URI.create(args[1]);
    java.nio.file.Path target = Files.createDirectories(java.nio.file.Path.of(args[2]));
    long since = Long.parseLong(args[3]);
    try (FileSystem store = Store.open(address)) {
      List<LocatedFileStatus> found = list(store, new Path(address), since);
      if (args[0].equals("logs")) {
        splitAll(store, found, target);
      } else {
        copyAll(store, new Path(address), found, target);
      }
    } catch (IOException | RuntimeException failure) {
      if (!isConnectorMissing(failure)) {
        throw failure;
      }
      System.err.println(failure.getMessage());
      System.exit(NO_CONNECTOR);
    }
  }

  static boolean isConnectorMissing(Throwable failure) {
    return failure instanceof UnsupportedFileSystemException || failure.getCause() instanceof ClassNotFoundException;
  }

  /** Files that were changed since then, by name; none where there is no such folder. */
  static List<LocatedFileStatus> list(FileSystem store, Path folder, long since) throws IOException {
    List<LocatedFileStatus> found = new ArrayList<>();
    try {
      RemoteIterator<LocatedFileStatus> all = store.listFiles(folder, true);
      while (all.hasNext()) {
        LocatedFileStatus next = all.next();
        if (next.getModificationTime() >= since) {
          found.add(next);
        }
      }
    } catch (FileNotFoundException none) {
      return List.of();
    }
    found.sort(Comparator.comparing(file -> file.getPath().toString()));
    return found;
  }

  /** Copies event logs, below their folders' names; logs of drivers lie beside them. */
  static void copyAll(FileSystem store, Path folder, List<LocatedFileStatus> files, java.nio.file.Path target)
      throws IOException {
    String root = store.makeQualified(folder).toUri().getPath().replaceFirst("/+$", "");
    for (LocatedFileStatus file : files) {
      String name = file.getPath().toUri().getPath().substring(root.length() + 1);
      java.nio.file.Path to = target.resolve(name).normalize();
      if (name.startsWith(LOGS + "/") || !to.startsWith(target)) {
        continue;
      }
      Files.createDirectories(to.getParent());
      try (InputStream in = store.open(file.getPath())) {
        Files.copy(in, to);
      }
    }
  }

  /** Makes of segments what a claim would hold: a file for each part of each attempt, {@code POD.PART.log}. */
  static void splitAll(FileSystem store, List<LocatedFileStatus> segments, java.nio.file.Path target)
      throws IOException {
    for (LocatedFileStatus segment : segments) {
      Matcher name = SEGMENT.matcher(segment.getPath().getName());
      if (name.matches()) {
        split(store, segment.getPath(), target, name.group(1));
      }
    }
  }

  /** Files are not held open: there may be thousands of parts. */
  private static void split(FileSystem store, Path segment, java.nio.file.Path target, String pod)
      throws IOException {
    Map<String, StringBuilder> parts = new LinkedHashMap<>();
    try (InputStream in = store.open(segment)) {
      // A character for each byte, so that none is changed.
      for (String line : new String(in.readAllBytes(), StandardCharsets.ISO_8859_1).split("\n")) {
        Matcher part = PART.matcher(line);
        if (part.find()) {
          parts.computeIfAbsent(part.group(1), none -> new StringBuilder()).append(line).append('\n');
        }
      }
    }
    for (Map.Entry<String, StringBuilder> part : parts.entrySet()) {
      java.nio.file.Path file = target.resolve(pod + "." + part.getKey() + ".log");
      try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        out.write(part.getValue().toString().getBytes(StandardCharsets.ISO_8859_1));
      }
    }
  }
}
