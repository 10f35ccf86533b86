// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Optional;
import org.apache.parquet.crypto.KeyAccessDeniedException;
import org.apache.parquet.crypto.TagVerificationException;
import org.junit.jupiter.api.Test;

class FailuresTest {
  private static Failures.Failure of(String trace) {
    return Failures.describe(trace).orElseThrow();
  }

  @Test
  void findsOurOwnRefusalUnderAnyNumberOfCauses() {
    Throwable failure = new DataKeyException("KEY_MISSING", "the keyring does not hold the data key \"a\"");
    for (int depth = 0; depth < 5; depth++) {
      failure = new RuntimeException("Could not read footer: FileStatus{path=file:/d/x y.parquet; isDirectory", failure);
    }
    assertEquals(
        new Failures.Failure("KEY_MISSING", "the keyring does not hold the data key \"a\""),
        Failures.describe(failure).orElseThrow());
    IOException outer = new IOException("closing");
    outer.addSuppressed(failure);
    assertEquals("KEY_MISSING", Failures.describe(outer).orElseThrow().code());
    failure.addSuppressed(outer);
    assertEquals("KEY_MISSING", Failures.describe(outer).orElseThrow().code());
  }

  @Test
  void readsTheTraceOfAnExecutor() {
    Failures.Failure failure =
        of(
            "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times\n"
                + "org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] Encountered error while reading file"
                + " file:///data/my%20files/part-0.parquet. SQLSTATE: KD001\n"
                + "\tat org.apache.spark.sql.Nothing.run(Nothing.scala:1)\n"
                + "Caused by: org.apache.parquet.crypto.TagVerificationException: GCM tag check failed\n");
    assertEquals("DATA_TAMPERED", failure.code());
    assertTrue(failure.sentence().startsWith("file:///data/my%20files/part-0.parquet was"), failure.sentence());
  }

  @Test
  void namesTheFileThatACodecIsNotTold() {
    Failures.Failure failure =
        of(
            "SparkException: Encountered error while reading file file:/d/a.csv.aesgcm. SQLSTATE: KD001\n"
                + "Caused by: bulwark.data.DataFileException: DATA_TRUNCATED: an encrypted file ends within frame 3\n");
    assertEquals("DATA_TRUNCATED", failure.code());
    assertTrue(failure.sentence().contains("file:/d/a.csv.aesgcm"), failure.sentence());
  }

  @Test
  void knowsWhatParquetAndHadoopSay() {
    assertEquals("DATA_TAMPERED", Failures.describe(new TagVerificationException("x")).orElseThrow().code());
    assertEquals("KEY_MISSING", Failures.describe(new KeyAccessDeniedException("x")).orElseThrow().code());
    assertEquals(
        "DATA_TAMPERED",
        of("org.apache.hadoop.fs.ChecksumException: Checksum error: file:/d/a.parquet at 0 exp: 1 got: 2").code());
    assertEquals(
        "DATA_NOT_PARQUET", of("java.lang.RuntimeException: file:/d/a is not a Parquet file. Expected magic").code());
  }

  @Test
  void saysNothingOfOtherFailures() {
    assertEquals(Optional.empty(), Failures.describe(new IllegalStateException("the job's own")));
    assertEquals(
        Optional.empty(),
        Failures.describe(
            "java.lang.NullPointerException: x\n\tat job.Main.map(Main.java:3)\n"
                + "\tat org.apache.spark.Task.run(Task.scala:1)\n"));
    assertEquals(Optional.empty(), Failures.describe((Throwable) null));
  }
}
