// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * The way to a Hadoop file system that the chart's settings give, without a running application: the driver that keeps
 * its log and the pod that reads it go the same way, so what is written can be read.
 */
final class Store {
  private static final Path SETTINGS = Path.of("/etc/bulwark/conf/spark.properties");
  /** What Spark hands on to Hadoop. */
  private static final String HADOOP = "spark.hadoop.";
  private static final String JARS = "spark.jars";

  private Store() {}

  /** Opens the file system of an address with the settings of this pod, where no Spark runs. */
  static FileSystem open(URI address) throws IOException {
    return open(address, Optional.empty());
  }

  /**
   * Opens it in a driver, with the class loader that Spark has for jars: a connector that is loaded twice shares what Hadoop
   * keeps for the whole JVM, and Spark's event log could not be written.
   */
  static FileSystem open(URI address, Optional<ClassLoader> ofSpark) throws IOException {
    return open(address, SETTINGS, ofSpark);
  }

  /** A file system of its own, which nobody else closes. */
  static FileSystem open(URI address, Path settings, Optional<ClassLoader> ofSpark) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(settings, StandardCharsets.UTF_8)) {
      properties.load(reader);
    }
    Configuration hadoop = new Configuration();
    for (String name : properties.stringPropertyNames()) {
      if (name.startsWith(HADOOP)) {
        hadoop.set(name.substring(HADOOP.length()), properties.getProperty(name));
      }
    }
    hadoop.setClassLoader(
        ofSpark.orElseGet(
            () -> new URLClassLoader(jars(properties.getProperty(JARS, "")), Store.class.getClassLoader())));
    // Hadoop closes file systems when the JVM ends, before the last words are kept.
    hadoop.setBoolean("fs.automatic.close", false);
    return FileSystem.newInstance(address, hadoop);
  }

  /** Jars of the job that lie in this pod: a connector may be among them. */
  private static URL[] jars(String list) {
    return Arrays.stream(list.split(","))
        .map(place -> place.replaceFirst("^(local|file):/*", "/"))
        .filter(place -> place.startsWith("/"))
        .map(Store::toUrl)
        .toArray(URL[]::new);
  }

  private static URL toUrl(String file) {
    try {
      return new File(file).toURI().toURL();
    } catch (MalformedURLException impossible) {
      throw new IllegalArgumentException(impossible);
    }
  }
}
