// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ExitCodesTest {
  @Test
  void whatCannotSucceedAnotherTimeEndsWithItsOwnCode() {
    assertEquals(5, ExitCodes.of(null));
    assertEquals(5, ExitCodes.of("JOB_FAILED"));
    assertEquals(5, ExitCodes.of("RUN_START_FAILED"));
    assertEquals(3, ExitCodes.of("SECRET_MISMATCH"));
    assertEquals(3, ExitCodes.of("OUTPUT_EXISTS"));
    assertEquals(6, ExitCodes.of("SECURITY_MISMATCH"));
    assertEquals(6, ExitCodes.of("DATA_TAMPERED"));
  }

  @Test
  void anExecutorWithoutArgumentsIsToldByVariables() {
    String[] arguments =
        KubernetesExecutorMain.arguments(Map.of("SPARK_DRIVER_URL", "spark://a@b:1", "SPARK_EXECUTOR_ID", "7"));
    assertEquals(14, arguments.length);
    assertArrayEquals(
        new String[] {"--driver-url", "spark://a@b:1", "--executor-id", "7"},
        java.util.Arrays.copyOfRange(arguments, 4, 8));
  }
}
