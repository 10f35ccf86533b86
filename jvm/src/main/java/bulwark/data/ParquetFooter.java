// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.crypto.AesCipher;
import org.apache.parquet.crypto.AesMode;
import org.apache.parquet.crypto.ModuleCipherFactory;
import org.apache.parquet.format.AesGcmV1;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnCryptoMetaData;
import org.apache.parquet.format.FileCryptoMetaData;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.Util;

/**
 * What the footer of a Parquet file says about its columns and their keys, without a key for any column: only the
 * footer is opened (Parquet format, "Encryption": FileCryptoMetaData, ColumnCryptoMetaData).
 */
record ParquetFooter(long rows, List<Column> columns) {
  /**
   * @param name path of the leaf, with dots
   * @param key id of the master key; null when plain
   * @param version version of the master key that it is wrapped under; null when plain
   */
  record Column(String name, String type, String key, Integer version, String algorithm) {}

  private record Keys(KeyMaterial material, Map<String, Integer> versions, String footerKey, String algorithm) {}

  static ParquetFooter read(Configuration conf, Path file) throws IOException {
    boolean encrypted = ParquetForm.isEncrypted(conf, file);
    byte[] tail = readTail(conf, file);
    try (InputStream in = new ByteArrayInputStream(tail)) {
      return encrypted ? readEncrypted(conf, file, in) : describe(Util.readFileMetaData(in), null);
    }
  }

  private static byte[] readTail(Configuration conf, Path file) throws IOException {
    FileSystem system = file.getFileSystem(conf);
    FileStatus status = system.getFileStatus(file);
    try (FSDataInputStream in = system.open(status.getPath())) {
      in.seek(status.getLen() - 8);
      int length = Integer.reverseBytes(in.readInt());
      byte[] tail = new byte[length];
      in.readFully(status.getLen() - 8 - length, tail);
      return tail;
    }
  }

  private static ParquetFooter readEncrypted(Configuration conf, Path file, InputStream in) throws IOException {
    FileCryptoMetaData crypto = Util.readFileCryptoMetaData(in);
    boolean gcm = crypto.getEncryption_algorithm().isSetAES_GCM_V1();
    byte[] key =
        new DatasetCryptoFactory()
            .getFileDecryptionProperties(conf, file)
            .getKeyRetriever()
            .getKey(crypto.getKey_metadata());
    byte[] aad = gcm ? fileAad(crypto.getEncryption_algorithm().getAES_GCM_V1()) : new byte[0];
    FileMetaData footer =
        Util.readFileMetaData(
            in, ModuleCipherFactory.getDecryptor(AesMode.GCM, key), AesCipher.createFooterAAD(aad));
    Arrays.fill(key, (byte) 0);
    KeyMaterial material = KeyMaterial.read(conf, file);
    String footerKey = material.masterKey(reference(crypto.getKey_metadata()));
    return describe(footer, new Keys(material, material.versions(), footerKey, gcm ? "AES_GCM_V1" : "AES_GCM_CTR_V1"));
  }

  private static byte[] fileAad(AesGcmV1 algorithm) {
    byte[] prefix = algorithm.isSetAad_prefix() ? algorithm.getAad_prefix() : new byte[0];
    byte[] unique = algorithm.getAad_file_unique();
    byte[] aad = Arrays.copyOf(prefix, prefix.length + unique.length);
    System.arraycopy(unique, 0, aad, prefix.length, unique.length);
    return aad;
  }

  private static ParquetFooter describe(FileMetaData footer, Keys keys) throws IOException {
    List<SchemaElement> leaves = new ArrayList<>();
    List<String> names = new ArrayList<>();
    collectLeaves(footer.getSchema(), 0, "", leaves, names);
    List<Column> columns = new ArrayList<>();
    Map<Integer, String> keyOfColumn = keys == null ? Map.of() : columnKeys(footer, keys);
    for (int index = 0; index < leaves.size(); index++) {
      String type = typeOf(leaves.get(index));
      columns.add(
          keys == null
              ? new Column(names.get(index), type, null, null, null)
              : encryptedColumn(names.get(index), type, keyOfColumn.getOrDefault(index, keys.footerKey()), keys));
    }
    return new ParquetFooter(footer.getNum_rows(), columns);
  }

  private static Column encryptedColumn(String name, String type, String key, Keys keys) {
    return new Column(name, type, key, keys.versions().get(key), keys.algorithm());
  }

  /** By the index of the column; a file without rows has no column chunks to say. */
  private static Map<Integer, String> columnKeys(FileMetaData footer, Keys keys) throws IOException {
    Map<Integer, String> found = new TreeMap<>();
    if (footer.getRow_groupsSize() == 0) {
      return found;
    }
    List<ColumnChunk> chunks = footer.getRow_groups().get(0).getColumns();
    for (int index = 0; index < chunks.size(); index++) {
      ColumnCryptoMetaData crypto = chunks.get(index).getCrypto_metadata();
      if (crypto == null) {
        throw new DataFileException("DATA_NOT_ENCRYPTED", "a column of an encrypted file is plain");
      }
      found.put(index, keyOf(crypto, keys));
    }
    return found;
  }

  private static String keyOf(ColumnCryptoMetaData crypto, Keys keys) throws IOException {
    return crypto.isSetENCRYPTION_WITH_COLUMN_KEY()
        ? keys.material().masterKey(reference(crypto.getENCRYPTION_WITH_COLUMN_KEY().getKey_metadata()))
        : keys.footerKey();
  }

  private static String reference(byte[] keyMetadata) throws IOException {
    JsonNode json = new ObjectMapper().readTree(keyMetadata);
    return json.path("keyReference").asText();
  }

  private static int collectLeaves(
      List<SchemaElement> schema, int index, String parent, List<SchemaElement> leaves, List<String> names) {
    SchemaElement element = schema.get(index);
    boolean root = index == 0;
    String name = parent.isEmpty() ? element.getName() : parent + "." + element.getName();
    if (!root && element.getNum_children() == 0) {
      leaves.add(element);
      names.add(name);
      return index + 1;
    }
    int next = index + 1;
    for (int child = 0; child < element.getNum_children(); child++) {
      next = collectLeaves(schema, next, root ? "" : name, leaves, names);
    }
    return next;
  }

  private static String typeOf(SchemaElement leaf) {
    Object name = leaf.isSetLogicalType() ? leaf.getLogicalType().getSetField() : leaf.getType();
    return name.toString().toLowerCase(Locale.ROOT);
  }
}
