// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagedDataTest {
  @TempDir Path folder;

  private StagedData read(String json) throws IOException {
    Path file = folder.resolve("datasets.json");
    Files.writeString(file, json.replace("DATA", folder.resolve("data").toString()));
    return StagedData.read(file, "run-1");
  }

  private StagedData output(String more) throws IOException {
    return read("[{\"name\":\"out\",\"path\":\"DATA/out\",\"mode\":\"write\",\"columns\":{}" + more + "}]");
  }

  private static String codeOf(org.junit.jupiter.api.function.Executable refused) {
    return assertThrows(Refusal.class, refused).code();
  }

  private void writeStaged(StagedData data, String content) throws IOException {
    Path staging = Path.of(data.substitute("{data.out}").replaceFirst("^file:", ""));
    Files.createDirectories(staging);
    Files.writeString(staging.resolve("part-0"), content);
  }

  @Test
  void anOutputIsSeenWholeOrNotAtAll() throws IOException {
    StagedData data = output(",\"key\":\"k\"");
    data.prepare();
    assertEquals(folder.resolve("data/.out.bulwark-run-1").toString(), data.substitute("{data.out}"));
    writeStaged(data, "PARE and more");
    assertFalse(Files.exists(folder.resolve("data/out")));
    data.publish();
    assertTrue(Files.exists(folder.resolve("data/out/part-0")));
    assertFalse(Files.exists(folder.resolve("data/.out.bulwark-run-1")));
  }

  @Test
  void plaintextIsNotPublished() throws IOException {
    StagedData data = output(",\"key\":\"k\"");
    data.prepare();
    writeStaged(data, "name,diagnosis");
    assertEquals("DATA_NOT_ENCRYPTED", codeOf(data::publish));
    data.discard();
    assertFalse(Files.exists(folder.resolve("data/out")));
    assertFalse(Files.exists(folder.resolve("data/.out.bulwark-run-1")));
  }

  @Test
  void whatIsThereIsReplacedOnlyWhereTheJobSaysSo() throws IOException {
    Files.createDirectories(folder.resolve("data/out"));
    Files.writeString(folder.resolve("data/out/old"), "old");
    assertEquals("OUTPUT_EXISTS", codeOf(output("")::prepare));
    StagedData data = output(",\"overwrite\":true");
    data.prepare();
    writeStaged(data, "new");
    data.publish();
    assertFalse(Files.exists(folder.resolve("data/out/old")));
    assertEquals("new", Files.readString(folder.resolve("data/out/part-0")));
  }

  @Test
  void aCrashBetweenTheRenamesIsMended() throws IOException {
    Files.createDirectories(folder.resolve("data/.bulwark-former-out"));
    StagedData data = output(",\"overwrite\":true");
    data.prepare();
    assertTrue(Files.exists(folder.resolve("data/out")));
  }

  @Test
  void aMissingInputIsFoundBeforeAnythingStarts() throws IOException {
    StagedData data = read("[{\"name\":\"in\",\"path\":\"DATA/in\",\"mode\":\"read\",\"columns\":{}}]");
    assertEquals("DATA_MISSING", codeOf(data::prepare));
    assertEquals("{data.other}", data.substitute("{data.other}"));
    assertTrue(data.settings().isEmpty());
  }

  @Test
  void settingsNameWhereFilesReallyAre() throws IOException {
    var settings = output(",\"key\":\"k\"").settings();
    assertTrue(settings.get("spark.hadoop.bulwark.datasets").contains(".out.bulwark-run-1"));
    assertEquals("k", settings.get("spark.hadoop.bulwark.text.key"));
  }
}
