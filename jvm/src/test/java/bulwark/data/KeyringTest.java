// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyringTest {
  private static final byte[] DATA_KEY = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private TestKeys keys;

  @BeforeEach
  void makeKeys() throws IOException {
    keys = new TestKeys("patients", "labels");
  }

  @AfterEach
  void removeKeys() throws IOException {
    keys.close();
  }

  static String codeOf(Runnable refused) {
    return assertThrows(DataKeyException.class, refused::run).code();
  }

  @Test
  void opensWhatItWrapped() {
    Keyring keyring = Keyring.ofProcess();
    String wrapped = keyring.wrap("patients", DATA_KEY);
    assertArrayEquals(DATA_KEY, keyring.unwrap(wrapped, "patients"));
    assertNotEquals(wrapped, keyring.wrap("patients", DATA_KEY));
  }

  @Test
  void olderVersionsOpenAndNewOnesWrap() throws IOException {
    String old = Keyring.ofProcess().wrap("patients", DATA_KEY);
    keys.rotate("patients");
    Keyring keyring = Keyring.ofProcess();
    assertArrayEquals(DATA_KEY, keyring.unwrap(old, "patients"));
    assertEquals(2, MasterKeys.versionOf(keyring.wrap("patients", DATA_KEY)));
    keys.removeVersion("patients", 1);
    assertEquals("KEY_MISSING", codeOf(() -> Keyring.ofProcess().unwrap(old, "patients")));
  }

  @Test
  void tellsMissingFromWrongFromTampered() throws IOException {
    String wrapped = Keyring.ofProcess().wrap("patients", DATA_KEY);
    assertEquals("KEY_WRONG", codeOf(() -> Keyring.ofProcess().unwrap(wrapped, "labels")));
    assertEquals("KEY_MISSING", codeOf(() -> Keyring.ofProcess().unwrap(wrapped, "absent")));
    keys.replaceAll();
    assertEquals("KEY_WRONG", codeOf(() -> Keyring.ofProcess().unwrap(wrapped, "patients")));
    System.clearProperty(Keyring.PROPERTY);
    assertEquals("KEY_MISSING", codeOf(Keyring::ofProcess));
  }

  @Test
  void refusesEveryChangedCharacter() {
    Keyring keyring = Keyring.ofProcess();
    String wrapped = keyring.wrap("patients", DATA_KEY);
    for (int position = 0; position < wrapped.length(); position++) {
      for (int bit = 1; bit < 128; bit <<= 1) {
        char[] changed = wrapped.toCharArray();
        changed[position] ^= (char) bit;
        String text = new String(changed);
        String code = codeOf(() -> keyring.unwrap(text, "patients"));
        assertTrue(List.of("KEY_WRONG", "KEY_MISSING", "DATA_TAMPERED").contains(code), code);
      }
    }
    assertEquals("DATA_TAMPERED", codeOf(() -> keyring.unwrap(wrapped.substring(0, wrapped.length() - 8), "patients")));
    assertEquals("DATA_TAMPERED", codeOf(() -> keyring.unwrap("", "patients")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r-----", "rw----r--", "rwx------", "rw--w----"})
  void refusesLooseModes(String mode) throws IOException {
    Files.setPosixFilePermissions(keys.file(), PosixFilePermissions.fromString(mode));
    assertEquals("KEYRING_UNSAFE", codeOf(Keyring::ofProcess));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"version\":2,\"keys\":[]}",
        "{\"version\":1}",
        "{\"version\":1,\"keys\":[{\"id\":\"a\",\"current\":1,\"versions\":[]}]}",
        "{\"version\":1,\"keys\":[{\"id\":\"a\",\"current\":1,\"versions\":[{\"version\":1,\"key\":\"U0VDUkVU\"}]}]}",
        "{\"version\":1,\"keys\":[{\"id\":\"a\",\"current\":1,\"versions\":[{\"version\":1,\"key\":\"SECRET !\"}]}]}",
      })
  void refusesMalformedFilesWithoutQuotingThem(String text) throws IOException {
    Files.writeString(keys.file(), text);
    DataKeyException refused = assertThrows(DataKeyException.class, Keyring::ofProcess);
    assertEquals("KEYRING_INVALID", refused.code());
    assertFalse((refused + String.valueOf(refused.getCause())).matches("(?s).*(SECRET|U0VDUkVU).*"));
  }
}
