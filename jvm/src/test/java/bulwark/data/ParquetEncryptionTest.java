// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.crypto.keytools.KeyToolkit;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ParquetEncryptionTest {
  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          "message m { required int32 id; required binary name (STRING); required binary diagnosis (STRING);"
              + " required group address { required binary city (STRING); required binary street (STRING); } }");
  private static final int ROWS = 50;

  private final Configuration conf = new Configuration();
  private TestKeys keys;
  private java.nio.file.Path folder;

  @BeforeEach
  void makeKeys() throws IOException {
    keys = new TestKeys("patients", "labels", "places");
    folder = Files.createDirectory(keys.folder.resolve("pa tients"));
    conf.set("parquet.crypto.factory.class", DatasetCryptoFactory.class.getName());
    // Without checksum files, which would find most changes before the tags do.
    conf.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    conf.setBoolean("fs.file.impl.disable.cache", true);
    declare("\"key\":\"patients\",\"columns\":{\"diagnosis\":\"labels\",\"address\":\"places\"}");
  }

  @AfterEach
  void removeKeys() throws IOException {
    keys.close();
  }

  private void declare(String keysOfDataset) {
    String path = folder.toUri().toString().replaceFirst("/$", "");
    conf.set(Datasets.SETTING, "[{\"name\":\"p\",\"path\":\"" + path + "\",\"mode\":\"write\"," + keysOfDataset + "}]");
  }

  private Path write(String name) throws IOException {
    return writeTo(new Path(folder.resolve(name).toUri()));
  }

  private Path writeTo(Path file) throws IOException {
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(file)
            .withConf(conf)
            .withType(SCHEMA)
            .withBloomFilterNDV("name", (long) ROWS)
            .withPageSize(256)
            .build()) {
      for (int row = 0; row < ROWS; row++) {
        SimpleGroup group = new SimpleGroup(SCHEMA);
        group.append("id", row).append("name", "MARKERname" + row).append("diagnosis", "MARKERdiagnosis" + row % 3);
        group.addGroup("address").append("city", "MARKERcity" + row).append("street", "MARKERstreet");
        writer.write(group);
      }
    }
    return file;
  }

  private List<String> read(Path file) throws IOException {
    List<String> rows = new ArrayList<>();
    try (ParquetFileReader reader =
        ParquetFileReader.open(HadoopInputFile.fromPath(file, conf), HadoopReadOptions.builder(conf, file).build())) {
      MessageType schema = reader.getFileMetaData().getSchema();
      MessageColumnIO columns = new ColumnIOFactory().getColumnIO(schema);
      for (PageReadStore pages = reader.readNextRowGroup(); pages != null; pages = reader.readNextRowGroup()) {
        RecordReader<Group> records = columns.getRecordReader(pages, new GroupRecordConverter(schema));
        for (long row = 0; row < pages.getRowCount(); row++) {
          rows.add(records.read().toString());
        }
      }
    }
    return rows;
  }

  private String refusal(Path file) {
    try {
      read(file);
      return "was read";
    } catch (Exception | OutOfMemoryError refused) {
      return Failures.describe(refused)
          .map(Failures.Failure::code)
          .orElseGet(() -> fail("not explained", refused));
    }
  }

  private static byte[] bytesOf(Path file) throws IOException {
    return Files.readAllBytes(java.nio.file.Path.of(file.toUri()));
  }

  private static void overwrite(Path file, byte[] bytes) throws IOException {
    Files.write(java.nio.file.Path.of(file.toUri()), bytes);
  }

  private Map<String, ParquetFooter.Column> columns(Path file) throws IOException {
    return ParquetFooter.read(conf, file).columns().stream()
        .collect(Collectors.toMap(ParquetFooter.Column::name, Function.identity(), (one, other) -> one, TreeMap::new));
  }

  private static Map<String, String> keysOf(Map<String, ParquetFooter.Column> columns) {
    return new TreeMap<>(
        columns.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().key())));
  }

  @Test
  void everyColumnIsEncryptedUnderItsKeyAndComesBack() throws IOException {
    Path file = write("a.parquet");
    assertEquals(ROWS, read(file).size());
    assertEquals(
        Map.of(
            "id", "patients",
            "name", "patients",
            "diagnosis", "labels",
            "address.city", "places",
            "address.street", "places"),
        keysOf(columns(file)));
    assertTrue(columns(file).values().stream().allMatch(column -> column.algorithm().equals("AES_GCM_V1")));
    declare("\"key\":\"patients\"");
    assertEquals(Set.of("patients"), Set.copyOf(keysOf(columns(write("uniform.parquet"))).values()));
  }

  @Test
  void noMarkerIsInAnyFile() throws IOException {
    write("a.parquet");
    Path plain = writeTo(new Path(keys.folder.resolve("plain.parquet").toUri()));
    assertTrue(new String(bytesOf(plain), StandardCharsets.ISO_8859_1).contains("MARKERname"));
    try (var files = Files.list(folder)) {
      for (java.nio.file.Path file : files.toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        for (String secret : List.of("MARKER", "diagnosis", "street")) {
          assertFalse(content.contains(secret), file + " holds " + secret);
        }
      }
    }
  }

  @Test
  void stagingFoldersBelongToTheDatasetAndSiblingsDoNot() throws IOException {
    Path staged = writeTo(new Path(folder.resolve("_temporary/0/a.parquet").toUri()));
    assertEquals("labels", columns(staged).get("diagnosis").key());
    Path sibling = writeTo(new Path(keys.folder.resolve("pa tients2/a.parquet").toUri()));
    assertNull(columns(sibling).get("diagnosis").key());
    conf.set(Datasets.DEFAULT_KEY, "labels");
    Path elsewhere = writeTo(new Path(keys.folder.resolve("else.parquet").toUri()));
    assertEquals(Set.of("labels"), Set.copyOf(keysOf(columns(elsewhere)).values()));
  }

  @Test
  void settingsOfTheJobDoNotWeakenIt() throws IOException {
    conf.set("parquet.encryption.algorithm", "AES_GCM_CTR_V1");
    conf.setBoolean("parquet.encryption.plaintext.footer", true);
    conf.setBoolean("parquet.encryption.complete.columns", false);
    conf.set("parquet.encryption.column.keys", "labels:id");
    conf.setBoolean("parquet.encryption.key.material.store.internally", true);
    Path file = write("a.parquet");
    assertEquals("AES_GCM_V1", columns(file).get("name").algorithm());
    assertEquals("patients", columns(file).get("name").key());
    assertTrue(Files.exists(java.nio.file.Path.of(KeyMaterial.fileOf(file).toUri())));
  }

  @Test
  void unknownColumnIsNamed() {
    declare("\"key\":\"patients\",\"columns\":{\"diagnose\":\"labels\"}");
    try {
      write("a.parquet");
      fail("was written");
    } catch (Exception refused) {
      Failures.Failure failure = Failures.describe(refused).orElseThrow();
      assertEquals("COLUMN_UNKNOWN", failure.code());
      assertTrue(failure.sentence().contains("diagnosis"), failure.sentence());
    }
  }

  @Test
  void tellsWrongMissingAndPlain() throws IOException {
    Path file = write("a.parquet");
    keys.remove("labels");
    assertEquals("KEY_MISSING", refusal(file));
    keys.rotate("labels");
    assertEquals("KEY_WRONG", refusal(file));
    keys.replaceAll();
    assertEquals("KEY_WRONG", refusal(file));
    Path plain = writeTo(new Path(keys.folder.resolve("plain.parquet").toUri()));
    assertEquals(ROWS, read(plain).size());
    overwrite(file, bytesOf(plain));
    assertEquals("DATA_NOT_ENCRYPTED", refusal(file));
  }

  @Test
  void refusesFlippedBytes() throws IOException {
    Path file = write("a.parquet");
    byte[] good = bytesOf(file);
    List<String> rows = read(file);
    int step = Math.max(1, good.length / 200);
    Map<String, Integer> codes = new TreeMap<>();
    for (int position = 0; position < good.length; position += position < good.length - 200 ? step : 1) {
      overwrite(file, TestKeys.flip(good, position));
      String code = refusal(file);
      // Indexes and filters are only read, and verified, where a query has a use for them.
      boolean unused = code.equals("was read") && read(file).equals(rows);
      assertTrue(
          unused || Set.of("DATA_TAMPERED", "DATA_TRUNCATED", "DATA_NOT_PARQUET").contains(code),
          code + " at " + position);
      codes.merge(code, 1, Integer::sum);
    }
    assertTrue(codes.get("DATA_TAMPERED") >= 250, codes.toString());
  }

  @Test
  void refusesTruncationAnywhere() throws IOException {
    Path file = write("a.parquet");
    byte[] good = bytesOf(file);
    for (int length = 0; length < good.length; length += length < 20 || length > good.length - 20 ? 1 : 97) {
      overwrite(file, Arrays.copyOf(good, length));
      assertEquals("DATA_TRUNCATED", refusal(file), "length " + length);
    }
    overwrite(file, "id,name\n1,Ann\n".getBytes(StandardCharsets.UTF_8));
    assertEquals("DATA_NOT_PARQUET", refusal(file));
  }

  @Test
  void refusesChangedKeyMaterial() throws IOException {
    Path file = write("a.parquet");
    Path material = KeyMaterial.fileOf(file);
    byte[] good = bytesOf(material);
    Set<String> refusals = Set.of("DATA_TAMPERED", "KEY_WRONG", "KEY_MISSING", "was read");
    List<String> rows = read(file);
    for (int position = 0; position < good.length; position += 7) {
      overwrite(material, TestKeys.flip(good, position));
      KeyToolkit.removeCacheEntriesForAllTokens();
      String code = refusal(file);
      assertTrue(refusals.contains(code), code + " at " + position);
      // Some of its words are not read back, the id of a service for instance; then nothing may differ.
      if (code.equals("was read")) {
        assertEquals(rows, read(file));
      }
    }
    Files.delete(java.nio.file.Path.of(material.toUri()));
    assertEquals("DATA_MISSING", refusal(file));
  }

  @Test
  void rewrapsAndTheOldVersionMayGo() throws IOException {
    Path file = write("a.parquet");
    List<String> rows = read(file);
    byte[] data = bytesOf(file);
    keys.rotate("patients").rotate("labels");
    assertEquals(1, columns(file).get("id").version());
    assertEquals(1, Rewrap.files(conf, List.of(file), Keyring.ofProcess()));
    assertEquals(0, Rewrap.files(conf, List.of(file), Keyring.ofProcess()));
    keys.removeVersion("patients", 1).removeVersion("labels", 1);
    assertEquals(rows, read(file));
    assertEquals(2, columns(file).get("diagnosis").version());
    assertEquals(1, columns(file).get("address.city").version());
    assertTrue(Arrays.equals(data, bytesOf(file)));
  }

  @Test
  void survivesAMoveOfItsFolder() throws IOException {
    Path file = write("a.parquet");
    java.nio.file.Path moved = Files.move(folder, keys.folder.resolve("moved"));
    assertEquals(ROWS, read(new Path(moved.resolve(file.getName()).toUri())).size());
  }
}
