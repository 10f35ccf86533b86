// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Reads certificates and secrets from files, as the gateway does. */
final class RedisTls {
  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.complementOf(
          EnumSet.of(
              PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE));

  private RedisTls() {}

  /**
   * TLS with the authorities named alone, and our own certificate where there is one. Throws SERVING_CONFIG,
   * KEYRING_UNSAFE.
   */
  static SSLContext open(Settings.Redis redis) throws Refusal {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys(redis), trust(redis), null);
      return context;
    } catch (GeneralSecurityException | IOException cause) {
      String message = "The certificates for Redis cannot be used.";
      throw new Refusal("SERVING_CONFIG", message, "check caFile, certificateFile and privateKeyFile", cause);
    }
  }

  /** The text of a file that nobody else may read. Throws SERVING_CONFIG, KEYRING_UNSAFE. */
  static String readSecret(String path) throws Refusal {
    try {
      Path file = Path.of(path);
      boolean isLent = isRoot(Files.getOwner(file).getName()) && !isRoot(System.getProperty("user.name"));
      if (isOpenToOthers(Files.getPosixFilePermissions(file), isLent)) {
        throw new Refusal("KEYRING_UNSAFE", path + " can be read by other users.", "chmod 600 " + path);
      }
      return Files.readString(file);
    } catch (IOException cause) {
      throw new Refusal("SERVING_CONFIG", path + " cannot be read.", "check the path in the settings", cause);
    }
  }

  /**
   * Whether more may be done with a file than its owner may; root may lend it to the group through which alone we can
   * read it, as with a mounted Secret (packages/contracts/src/secret-file.ts).
   */
  static boolean isOpenToOthers(Set<PosixFilePermission> permissions, boolean isLent) {
    Set<PosixFilePermission> beyond = EnumSet.copyOf(OTHERS);
    if (isLent) beyond.remove(PosixFilePermission.GROUP_READ);
    return !Collections.disjoint(permissions, beyond);
  }

  private static boolean isRoot(String user) {
    return user.equals("root");
  }

  private static TrustManager[] trust(Settings.Redis redis) throws GeneralSecurityException, IOException {
    if (redis.caFile == null) return null;
    KeyStore store = emptyStore();
    int number = 0;
    for (Certificate authority : readCertificates(redis.caFile)) store.setCertificateEntry("ca" + number++, authority);
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyManager[] keys(Settings.Redis redis) throws GeneralSecurityException, IOException, Refusal {
    if (redis.certificateFile == null || redis.privateKeyFile == null) return null;
    KeyStore store = emptyStore();
    PrivateKey key = parseKey(readSecret(redis.privateKeyFile));
    Certificate[] chain = readCertificates(redis.certificateFile).toArray(Certificate[]::new);
    char[] inMemory = new char[0];
    store.setKeyEntry("own", key, inMemory, chain);
    KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, inMemory);
    return factory.getKeyManagers();
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Collection<? extends Certificate> readCertificates(String path)
      throws GeneralSecurityException, IOException {
    byte[] pem = Files.readAllBytes(Path.of(path));
    return CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem));
  }

  /** A key in PKCS#8, of the first kind that it fits. */
  private static PrivateKey parseKey(String pem) throws GeneralSecurityException {
    String body = pem.replaceAll("-----[A-Z ]+-----", "");
    byte[] der = Base64.getMimeDecoder().decode(body.getBytes(StandardCharsets.US_ASCII));
    InvalidKeySpecException last = null;
    for (String algorithm : new String[] {"EC", "RSA", "Ed25519"}) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (InvalidKeySpecException other) {
        last = other;
      }
    }
    throw last;
  }
}
