// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import bulwark.data.DataKeyException;
import bulwark.data.PrivateFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secrets of one role as Kubernetes mounts them: a folder for each Secret, a file for each entry. Folders that are
 * not mounted are left out; which must be there, the job's plan says by mounting them.
 */
final class MountedSecrets {
  static final Path FOLDER = Path.of("/etc/bulwark/secrets");
  /** System property with the file of the application secret, whose entry has a name of the user's choice. */
  private static final String APPLICATION = "bulwark.application.secret";

  private static final String UI_MESSAGE = "bulwark ui";
  private static final String HMAC = "HmacSHA256";

  private final Path folder;
  private final String role;

  MountedSecrets(Path folder, String role) {
    this.folder = folder;
    this.role = role;
  }

  /**
   * Reads and checks them all.
   *
   * @return properties as {@link Secrets#enter} takes them
   * @throws DataKeyException KEY_MISSING, KEYRING_UNSAFE, SECRET_MISMATCH (the password does not open the key stores)
   */
  Properties read() throws IOException {
    Path file = Path.of(System.getProperty(APPLICATION, folder.resolve("application/secret").toString()));
    String application = readText(file);
    Properties properties = new Properties();
    properties.setProperty(Secrets.AUTHENTICATION, application);
    properties.setProperty(Secrets.UI_TOKEN, uiToken(application));
    if (Files.isDirectory(folder.resolve("keys"))) {
      addStores(properties);
    }
    return properties;
  }

  /** The UI's token follows from the application secret: who may read that one may open the UI. */
  static String uiToken(String application) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(application.getBytes(StandardCharsets.UTF_8), HMAC));
      return HexFormat.of().formatHex(mac.doFinal(UI_MESSAGE.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private void addStores(Properties properties) throws IOException {
    String password = StorePassword.read(folder.resolve("password"));
    Path own = first(role + ".p12", "keystore.p12", "keystore.pkcs12");
    Path trusted = first("truststore.p12", own.getFileName().toString());
    Path server = first("server.p12", own.getFileName().toString());
    for (Path store : List.of(own, trusted, server)) {
      requireOpens(store, password);
    }
    properties.setProperty("spark.ssl.rpc.keyStore", own.toString());
    properties.setProperty("spark.ssl.rpc.trustStore", trusted.toString());
    properties.setProperty("spark.ssl.ui.keyStore", server.toString());
    for (String name : List.of("rpc.keyStore", "rpc.key", "rpc.trustStore", "ui.keyStore", "ui.key")) {
      properties.setProperty("spark.ssl." + name + "Password", password);
    }
    // Before it has the driver's settings, an executor must know where its passwords are.
    properties.setProperty("spark.hadoop.hadoop.security.credential.provider.path", "user:///");
  }

  /** The first of these entries that the Secret has: newer names before those of older deployments. */
  private Path first(String... names) {
    for (String name : names) {
      Path file = folder.resolve("keys").resolve(name);
      if (Files.exists(file)) {
        return file;
      }
    }
    throw new DataKeyException("KEY_MISSING", "the Secret with the key stores has none of " + String.join(", ", names));
  }

  private static void requireOpens(Path store, String password) throws IOException {
    PrivateFile.require(store);
    try {
      KeyStore.getInstance(store.toFile(), password.toCharArray());
    } catch (IOException | GeneralSecurityException wrong) {
      // The parser's own words say no more, and its causes may quote.
      throw new DataKeyException("SECRET_MISMATCH", "the password does not open the key store " + store.getFileName());
    }
  }

  /** One line of text; the line break that editors and shells leave at the end is no part of it. */
  static String readText(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new DataKeyException("KEY_MISSING", "a Secret has no entry " + file.getFileName());
    }
    PrivateFile.require(file);
    String text = Files.readString(file).stripTrailing();
    if (text.isEmpty()) {
      throw new DataKeyException("KEY_MISSING", "the entry " + file.getFileName() + " of a Secret is empty");
    }
    return text;
  }
}
