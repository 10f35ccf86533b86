// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.data.PrivateFile;
import bulwark.ui.UiGate;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Brings the secrets of one role into this JVM, so that they are in no argument, no environment variable and no Spark
 * setting. They come from one 0600 file (here), or from mounted Secrets ({@link MountedSecrets}).
 *
 * <p>Secrets go into the Hadoop credentials of the user. Spark looks there for the authentication secret first
 * (SecurityManager), and only checks that the setting exists: it gets a random value that opens nothing. Passwords of
 * key stores, which Spark asks Hadoop for where its settings have none (SSLOptions), are found there by Hadoop's
 * provider {@code user:///}, which the plan names.
 */
public final class Secrets {
  static final String AUTHENTICATION = "bulwark.authentication.secret";
  static final String UI_TOKEN = "bulwark.ui.token";

  private static final String SPARK_COOKIE = "sparkCookie";
  private static final String PASSWORD = "Password";
  /** Shorter texts would be found everywhere. */
  private static final int SHORTEST_SOUGHT = 6;

  private static volatile List<String> entered = List.of();

  private Secrets() {}

  /**
   * Reads the file, hands each secret to the part that needs it, and forgets it.
   *
   * @param file properties, as {@link #enter} takes them
   * @throws IOException when the file cannot be read or others may read it
   */
  static void load(Path file) throws IOException {
    PrivateFile.require(file);
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      properties.load(in);
    }
    enter(properties);
  }

  /**
   * Hands each secret to the part that needs it.
   *
   * @param properties {@code bulwark.*} as named above; of {@code spark.*}, passwords become credentials, and the rest
   *     system properties
   */
  static void enter(Properties properties) throws IOException {
    List<String> sought = new ArrayList<>();
    for (String name : properties.stringPropertyNames()) {
      String value = properties.getProperty(name);
      if (name.equals(AUTHENTICATION)) {
        addCredential(SPARK_COOKIE, value);
        System.setProperty("spark.authenticate.secret", randomHex());
      } else if (name.equals(UI_TOKEN)) {
        UiGate.accept(value);
      } else if (name.endsWith(PASSWORD)) {
        addCredential(name, value);
      } else {
        System.setProperty(name, value);
        continue;
      }
      sought.addAll(spellings(value));
    }
    entered = List.copyOf(sought);
  }

  /** Whether one of this process's secrets stands in a text: as it is, in hex or in base64. */
  public static boolean appearIn(String text) {
    return entered.stream().anyMatch(text::contains);
  }

  private static List<String> spellings(String secret) {
    if (secret.length() < SHORTEST_SOUGHT) {
      return List.of();
    }
    byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
    return List.of(
        secret, HexFormat.of().formatHex(bytes), Base64.getEncoder().withoutPadding().encodeToString(bytes));
  }

  // getCredentials() hands out a copy, so the copy is added back.
  private static void addCredential(String alias, String secret) throws IOException {
    UserGroupInformation user = UserGroupInformation.getCurrentUser();
    var credentials = user.getCredentials();
    credentials.addSecretKey(new Text(alias), secret.getBytes(StandardCharsets.UTF_8));
    user.addCredentials(credentials);
  }

  private static String randomHex() {
    byte[] bytes = new byte[32];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
