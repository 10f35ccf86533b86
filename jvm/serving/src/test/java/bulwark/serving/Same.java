// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.function.Executable;

/** What tests of codecs assert. */
final class Same {
  private Same() {}

  static void tensors(List<Tensor> wanted, List<Tensor> found) {
    assertEquals(wanted.size(), found.size());
    for (int at = 0; at < wanted.size(); at++) tensor(wanted.get(at), found.get(at));
  }

  static void tensor(Tensor wanted, Tensor found) {
    assertEquals(wanted.name(), found.name());
    assertEquals(wanted.datatype(), found.datatype());
    assertArrayEquals(wanted.shape(), found.shape());
    if (wanted.strings() != null) assertArrayEquals(wanted.strings(), found.strings());
    else assertEquals(wanted.data().rewind(), found.data().rewind(), wanted.toString());
  }

  static void refuses(String code, Executable act) {
    assertEquals(code, assertThrows(Refusal.class, act).code());
  }
}
