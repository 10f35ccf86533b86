// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedisTlsTest {
  @ParameterizedTest
  @CsvSource({
    "r--------, false, false",
    "rw-------, true, false",
    "r--r-----, false, true",
    "r--r-----, true, false",
    "r---w----, true, true",
    "r--r-x---, true, true",
    "r-----r--, true, true",
  })
  void aSecretIsForItsOwnerAndRootMayLendItToAGroup(String mode, boolean isLent, boolean isOpen) {
    assertEquals(isOpen, RedisTls.isOpenToOthers(PosixFilePermissions.fromString(mode), isLent));
  }
}
