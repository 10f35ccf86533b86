// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

@Tag("spark")
class DataToolTest {
  private static SparkSession spark;
  private TestKeys keys;
  private Path output;

  @BeforeAll
  static void startSpark() {
    spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.hadoop.io.compression.codecs", AesGcmCodec.class.getName())
            .getOrCreate();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @BeforeEach
  void makeKeys() throws IOException {
    keys = new TestKeys("patients", "labels");
    output = keys.folder.resolve("out put");
    conf()
        .set(
            Datasets.SETTING,
            "[{\"name\":\"p\",\"path\":\"%s\",\"mode\":\"write\",\"key\":\"patients\",\"columns\":{\"diagnosis\":\"labels\"}}]"
                .formatted(output.toUri()));
  }

  @AfterEach
  void removeKeys() throws IOException {
    keys.close();
  }

  private static Configuration conf() {
    return spark.sparkContext().hadoopConfiguration();
  }

  private Path input(String name, String text) throws IOException {
    return Files.writeString(keys.folder.resolve(name), text);
  }

  private Object encrypt(Path input, String... more) throws IOException {
    String[] first = {"encrypt", "--input", input.toString(), "--output", output.toString()};
    return DataTool.run(Stream.concat(Stream.of(first), Stream.of(more)).toArray(String[]::new));
  }

  private String decrypt(String format) throws IOException {
    Path plain = keys.folder.resolve("plain-" + format);
    DataTool.run(
        new String[] {"decrypt", "--input", output.toString(), "--output", plain.toString(), "--format", format});
    try (Stream<Path> parts = Files.list(plain)) {
      return parts
          .filter(part -> part.getFileName().toString().startsWith("part-"))
          .sorted()
          .map(DataToolTest::text)
          .collect(Collectors.joining());
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException unreadable) {
      return fail(unreadable);
    }
  }

  private static Failures.Failure refusal(Executable executable) {
    return Failures.describe(assertThrows(Exception.class, executable)).orElseThrow();
  }

  @Test
  void csvComesBackByteForByte() throws IOException {
    String csv = "id,name,diagnosis\n1,\"Ann \"\"MARKER\"\", x\",M\n2,,\"\"\n3,\"two\nlines\",\" MARKER \"\n";
    DataReport report = (DataReport) encrypt(input("a.csv", csv));
    assertEquals(3, report.rows());
    assertEquals(
        List.of("id:int32:patients", "name:string:patients", "diagnosis:string:labels"),
        report.columns().stream().map(column -> column.name() + ":" + column.type() + ":" + column.key()).toList());
    try (Stream<Path> files = Files.walk(output)) {
      assertFalse(files.filter(Files::isRegularFile).anyMatch(file -> text(file).contains("MARKER")));
    }
    assertEquals(csv.replace("\" MARKER \"", " MARKER "), decrypt("csv"));
  }

  @Test
  void jsonKeepsNullsAndNesting() throws IOException {
    String json = "{\"diagnosis\":\"M\",\"visits\":[1,2]}\n{\"diagnosis\":null,\"visits\":[]}\n";
    encrypt(input("a.jsonl", json));
    assertEquals(json, decrypt("jsonl"));
    assertEquals("DATA_FORMAT_UNKNOWN", refusal(() -> decrypt("csv")).code());
  }

  @Test
  void malformedRecordsAreNamedByPlaceAndNotQuoted() throws IOException {
    Path ragged = input("r.csv", "id,diagnosis\n1,M\n2,SECRET,extra\n");
    Failures.Failure csv = refusal(() -> encrypt(ragged));
    assertEquals("DATA_MALFORMED", csv.code());
    assertTrue(csv.sentence().startsWith("record 3 ") && !csv.sentence().contains("SECRET"), csv.sentence());
    Path broken = input("b.jsonl", "{\"diagnosis\":\"M\"}\n{\"diagnosis\":SECRET}\n");
    Failures.Failure json = refusal(() -> encrypt(broken, "--overwrite"));
    assertEquals("DATA_MALFORMED", json.code());
    assertTrue(json.sentence().startsWith("line 2 ") && !json.sentence().contains("SECRET"), json.sentence());
  }

  @Test
  void refusesBadInput() throws IOException {
    Path good = input("a.csv", "id,diagnosis\n1,M\n");
    assertEquals("DATA_MISSING", refusal(() -> encrypt(keys.folder.resolve("none*.csv"))).code());
    assertEquals("DATA_MALFORMED", refusal(() -> encrypt(input("empty.csv", ""))).code());
    assertFalse(Files.exists(output));
    assertEquals("DATA_FORMAT_UNKNOWN", refusal(() -> encrypt(input("a.bin", "x"))).code());
    assertEquals("COLUMN_UNKNOWN", refusal(() -> encrypt(input("b.csv", "id,other\n1,M\n"))).code());
    assertEquals("USAGE", assertThrows(DataFileException.class, () -> encrypt(good, "--colour", "red")).code());
    encrypt(good);
    assertEquals("OUTPUT_EXISTS", refusal(() -> encrypt(good)).code());
    encrypt(good, "--overwrite");
    conf().set(Datasets.SETTING, "[]");
    assertEquals("KEY_MISSING", refusal(() -> encrypt(good, "--overwrite")).code());
  }

  @Test
  void damageIsExplainedThroughSpark() throws IOException {
    encrypt(input("a.csv", "id,diagnosis\n1,M\n2,B\n"));
    Path part;
    try (Stream<Path> files = Files.list(output)) {
      part = files.filter(file -> file.getFileName().toString().startsWith("part-")).findFirst().orElseThrow();
    }
    byte[] good = Files.readAllBytes(part);
    Files.deleteIfExists(part.resolveSibling("." + part.getFileName() + ".crc"));
    for (int position : new int[] {40, good.length / 2, good.length - 60}) {
      Files.write(part, TestKeys.flip(good, position));
      assertEquals("DATA_TAMPERED", refusal(() -> read()).code());
    }
    Files.write(part, Arrays.copyOf(good, good.length - 1));
    Failures.Failure truncated = refusal(() -> read());
    assertEquals("DATA_TRUNCATED", truncated.code());
    assertTrue(truncated.sentence().contains(part.getFileName().toString()), truncated.sentence());
    Files.write(part, good);
    keys.remove("labels");
    assertEquals("KEY_MISSING", refusal(() -> read()).code());
    keys.rotate("labels");
    assertEquals("KEY_WRONG", refusal(() -> read()).code());
  }

  @Test
  void textFilesAreEncryptedAndDecrypted() throws IOException {
    conf().set("bulwark.text.key", "labels");
    spark
        .range(3)
        .selectExpr("concat('MARKER', id) as value")
        .coalesce(1)
        .write()
        .option("compression", AesGcmCodec.class.getName())
        .text(output.toString());
    assertEquals(3, spark.read().text(output.toString()).count());
    DataReport report =
        DataReport.read(conf(), DataFiles.find(conf(), output.toString()));
    assertEquals(List.of(new DataReport.KeyUse("labels", 1, 1)), report.keys());
    assertEquals("MARKER0\nMARKER1\nMARKER2\n", decrypt("csv"));
  }

  private void read() {
    spark.read().parquet(output.toString()).collectAsList();
  }
}
