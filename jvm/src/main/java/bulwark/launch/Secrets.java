// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Properties;
import java.util.Set;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Brings the secrets of one role from a 0600 file into this JVM, so that they are in no argument, no environment
 * variable and no Spark setting.
 *
 * <p>Secrets go into the Hadoop credentials of the user. Spark looks there for the authentication secret first
 * (SecurityManager), and only checks that the setting exists: it gets a random value that opens nothing. Passwords of
 * key stores, which Spark asks Hadoop for where its settings have none (SSLOptions), are found there by Hadoop's
 * provider {@code user:///}, which the plan names.
 */
final class Secrets {
  private static final String AUTHENTICATION = "bulwark.authentication.secret";
  private static final String UI_TOKEN = "bulwark.ui.token";
  private static final String SPARK_COOKIE = "sparkCookie";
  private static final String PASSWORD = "Password";
  private static final Set<PosixFilePermission> OWNER_ONLY =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private Secrets() {}

  /**
   * Reads the file, hands each secret to the part that needs it, and forgets it.
   *
   * @param file properties: {@code bulwark.*} as named above; of {@code spark.*}, passwords become credentials, and the
   *     rest system properties
   * @throws IOException when the file cannot be read or others may read it
   */
  static void load(Path file) throws IOException {
    if (!OWNER_ONLY.containsAll(Files.getPosixFilePermissions(file))) {
      throw new IOException("KEYRING_UNSAFE: " + file + " can be read by others");
    }
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      properties.load(in);
    }
    String secret = (String) properties.remove(AUTHENTICATION);
    if (secret != null) {
      addCredential(SPARK_COOKIE, secret);
      System.setProperty("spark.authenticate.secret", randomHex());
    }
    String token = (String) properties.remove(UI_TOKEN);
    if (token != null) {
      bulwark.ui.UiGate.accept(token);
    }
    for (String name : properties.stringPropertyNames()) {
      if (name.endsWith(PASSWORD)) {
        addCredential(name, properties.getProperty(name));
      } else {
        System.setProperty(name, properties.getProperty(name));
      }
    }
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
