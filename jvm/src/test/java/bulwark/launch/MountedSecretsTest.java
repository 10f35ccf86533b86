// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import bulwark.data.DataKeyException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Base64;
import java.util.Properties;
import javax.crypto.Cipher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountedSecretsTest {
  private static final String PASSWORD = "correct horse battery";
  /** What PKCS#8 has before the key of PKCS#1, for RSA with 2048 bits. */
  private static final int PKCS8_HEAD_BYTES = 26;

  @TempDir Path folder;

  private void write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  private void write(String name, String content) throws IOException {
    write(name, content.getBytes(StandardCharsets.UTF_8));
  }

  private void writeStore(String name, String password) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    Path file = folder.resolve("keys").resolve(name);
    Files.createDirectories(file.getParent());
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password.toCharArray());
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--------"));
  }

  private Properties read(String role) throws IOException {
    return new MountedSecrets(folder, role).read();
  }

  private String codeOf(String role) {
    return assertThrows(DataKeyException.class, () -> read(role)).code();
  }

  @Test
  void theApplicationSecretIsOneLineAndTheTokenFollowsFromIt() throws IOException {
    write("application/secret", "a secret of this release\n");
    Properties secrets = read("driver");
    assertEquals("a secret of this release", secrets.getProperty(Secrets.AUTHENTICATION));
    // printf 'bulwark ui' | openssl dgst -sha256 -hmac 'a secret of this release'
    assertEquals(MountedSecrets.uiToken("a secret of this release"), secrets.getProperty(Secrets.UI_TOKEN));
    assertEquals(64, secrets.getProperty(Secrets.UI_TOKEN).length());
    assertFalse(secrets.getProperty(Secrets.UI_TOKEN).equals(MountedSecrets.uiToken("another")));
    assertNull(secrets.getProperty("spark.ssl.rpc.keyStore"));
  }

  @Test
  void aMissingOrEmptySecretIsToldByItsEntry() throws IOException {
    assertEquals("KEY_MISSING", codeOf("driver"));
    write("application/secret", "\n");
    assertEquals("KEY_MISSING", codeOf("driver"));
  }

  @Test
  void aSecretThatOthersCanReadIsRefused() throws IOException {
    write("application/secret", "a secret of this release");
    Files.setPosixFilePermissions(folder.resolve("application/secret"), PosixFilePermissions.fromString("rw-r--r--"));
    assertEquals("KEYRING_UNSAFE", codeOf("driver"));
  }

  @Test
  void eachRoleTakesItsOwnStoreWhereThereIsOne() throws Exception {
    write("application/secret", "a secret of this release");
    write("password/password", PASSWORD + "\n");
    for (String name : new String[] {"driver.p12", "executor.p12", "server.p12", "truststore.p12"}) {
      writeStore(name, PASSWORD);
    }
    Properties secrets = read("executor");
    assertEquals(folder.resolve("keys/executor.p12").toString(), secrets.getProperty("spark.ssl.rpc.keyStore"));
    assertEquals(folder.resolve("keys/truststore.p12").toString(), secrets.getProperty("spark.ssl.rpc.trustStore"));
    assertEquals(folder.resolve("keys/server.p12").toString(), read("driver").getProperty("spark.ssl.ui.keyStore"));
    assertEquals(PASSWORD, secrets.getProperty("spark.ssl.rpc.keyStorePassword"));
    // As the chart gives them to an executor: no key store of the driver, none of the web UI.
    Files.delete(folder.resolve("keys/driver.p12"));
    Files.delete(folder.resolve("keys/server.p12"));
    assertEquals(secrets.getProperty("spark.ssl.rpc.keyStore"), read("executor").getProperty("spark.ssl.rpc.keyStore"));
    assertEquals("KEY_MISSING", codeOf("driver"));
  }

  @Test
  void whereTheSecretOfTheStoresIsAbsentItsFolderIsEmpty() throws Exception {
    write("application/secret", "a secret of this release");
    Files.createDirectories(folder.resolve("keys"));
    Files.createDirectories(folder.resolve("password"));
    assertEquals("KEY_MISSING", codeOf("driver"));
  }

  @Test
  void olderSecretsAreReadAsTheyAreMade() throws Exception {
    write("application/secret", "a secret of this release");
    writeStore("keystore.pkcs12", PASSWORD);
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair pair = generator.generateKeyPair();
    Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
    cipher.init(Cipher.ENCRYPT_MODE, pair.getPublic());
    write("password/output.bin", cipher.doFinal(PASSWORD.getBytes(StandardCharsets.UTF_8)));
    byte[] pkcs8 = pair.getPrivate().getEncoded();
    write("password/key.txt", pem("PRIVATE KEY", pkcs8));
    assertEquals(PASSWORD, read("driver").getProperty("spark.ssl.rpc.keyPassword"));
    // As openssl 1 wrote it.
    write("password/key.txt", pem("RSA PRIVATE KEY", Arrays.copyOfRange(pkcs8, PKCS8_HEAD_BYTES, pkcs8.length)));
    Properties secrets = read("driver");
    assertEquals(PASSWORD, secrets.getProperty("spark.ssl.rpc.keyPassword"));
    assertEquals(secrets.getProperty("spark.ssl.rpc.keyStore"), secrets.getProperty("spark.ssl.rpc.trustStore"));
    KeyPair another = generator.generateKeyPair();
    write("password/key.txt", pem("PRIVATE KEY", another.getPrivate().getEncoded()));
    assertEquals("SECRET_MISMATCH", codeOf("driver"));
  }

  @Test
  void aPasswordThatDoesNotOpenTheStoresIsFound() throws Exception {
    write("application/secret", "a secret of this release");
    write("password/password", "another one");
    writeStore("keystore.p12", PASSWORD);
    assertEquals("SECRET_MISMATCH", codeOf("driver"));
  }

  private static String pem(String what, byte[] content) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n";
  }
}
