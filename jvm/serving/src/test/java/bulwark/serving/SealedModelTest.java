// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SealedModelTest {
  private final Keyring keyring = Golden.keyring();

  SealedModelTest() throws Exception {}

  @Test
  void opensWhatTheToolEncrypted() throws Exception {
    for (JsonObject one : Golden.list("models")) {
      byte[] model = SealedModel.open(Golden.bytes(one.get("sealed")), keyring);
      assertArrayEquals(Golden.bytes(one.get("model")), model);
    }
  }

  @Test
  void opensNothingThatWasChangedOrCut() {
    byte[] sealed = Golden.bytes(Golden.list("models").get(1).get("sealed"));
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] changed = sealed.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      assertThrows(Refusal.class, () -> SealedModel.open(changed, keyring), "bit " + bit);
    }
    for (int length = 0; length < sealed.length; length++) {
      byte[] cut = Arrays.copyOf(sealed, length);
      assertThrows(Refusal.class, () -> SealedModel.open(cut, keyring), "length " + length);
    }
    byte[] longer = Arrays.copyOf(sealed, sealed.length + 1);
    Same.refuses("DATA_TAMPERED", () -> SealedModel.open(longer, keyring));
    Same.refuses("KEY_MISSING", () -> SealedModel.open(sealed, keyring.only("another")));
  }
}
