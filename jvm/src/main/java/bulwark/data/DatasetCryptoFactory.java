// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import bulwark.data.Datasets.Dataset;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.crypto.FileDecryptionProperties;
import org.apache.parquet.crypto.FileEncryptionProperties;
import org.apache.parquet.crypto.ParquetCryptoRuntimeException;
import org.apache.parquet.crypto.keytools.KeyToolkit;
import org.apache.parquet.crypto.keytools.PropertiesDrivenCryptoFactory;
import org.apache.parquet.hadoop.api.WriteSupport.WriteContext;
import org.apache.parquet.schema.MessageType;

/**
 * Chooses the keys of each Parquet file by the dataset it lies in (Parquet modular encryption). The footer and every
 * column are encrypted, columns without a key of their own with the key of the footer. Under a dataset that names a
 * key, a plain file is refused: whoever owns the disk could have put it there.
 */
public final class DatasetCryptoFactory extends PropertiesDrivenCryptoFactory {
  /** What no setting of a job may change. Key material lies beside each file, or it could not be wrapped anew. */
  private static final Map<String, String> FIXED =
      Map.of(
          ENCRYPTION_ALGORITHM_PROPERTY_NAME, "AES_GCM_V1",
          PLAINTEXT_FOOTER_PROPERTY_NAME, "false",
          KeyToolkit.KMS_CLIENT_CLASS_PROPERTY_NAME, BulwarkKmsClient.class.getName(),
          KeyToolkit.DATA_KEY_LENGTH_PROPERTY_NAME, "256",
          KeyToolkit.KEK_LENGTH_PROPERTY_NAME, "256",
          KeyToolkit.DOUBLE_WRAPPING_PROPERTY_NAME, "true",
          KeyToolkit.KEY_MATERIAL_INTERNAL_PROPERTY_NAME, "false");

  @Override
  public FileEncryptionProperties getFileEncryptionProperties(Configuration conf, Path file, WriteContext context) {
    Dataset dataset = Datasets.find(conf, file).orElseGet(() -> outside(conf));
    if (dataset.key() == null) {
      return null;
    }
    Configuration own = new Configuration(conf);
    FIXED.forEach(own::set);
    own.unset(FOOTER_KEY_PROPERTY_NAME);
    own.unset(UNIFORM_KEY_PROPERTY_NAME);
    own.unset(COLUMN_KEYS_PROPERTY_NAME);
    if (dataset.columns().isEmpty()) {
      own.set(UNIFORM_KEY_PROPERTY_NAME, dataset.key());
    } else {
      own.set(FOOTER_KEY_PROPERTY_NAME, dataset.key());
      own.set(COLUMN_KEYS_PROPERTY_NAME, columnKeys(dataset, context.getSchema()));
      own.setBoolean(COMPLETE_COLUMN_ENCRYPTION_PROPERTY_NAME, true);
    }
    return super.getFileEncryptionProperties(own, file, context);
  }

  @Override
  public FileDecryptionProperties getFileDecryptionProperties(Configuration conf, Path file) {
    boolean mustBeEncrypted = Datasets.find(conf, file).map(dataset -> dataset.key() != null).orElse(false);
    if (!requireWhole(conf, file, mustBeEncrypted)) {
      return super.getFileDecryptionProperties(conf, file);
    }
    Configuration own = new Configuration(conf);
    FIXED.forEach(own::set);
    // Made anew, because the original also lets plain files pass.
    return FileDecryptionProperties.builder()
        .withKeyRetriever(super.getFileDecryptionProperties(own, file).getKeyRetriever())
        .build();
  }

  private static boolean requireWhole(Configuration conf, Path file, boolean mustBeEncrypted) {
    try {
      boolean encrypted = ParquetForm.isEncrypted(conf, file);
      if (mustBeEncrypted && !encrypted) {
        throw new DataKeyException("DATA_NOT_ENCRYPTED", file + " is plain, but its dataset names a key");
      }
      return encrypted;
    } catch (DataFileException refused) {
      throw new ParquetCryptoRuntimeException(refused.getMessage(), refused);
    } catch (IOException unreadable) {
      throw new ParquetCryptoRuntimeException("cannot read " + file, unreadable);
    }
  }

  private static Dataset outside(Configuration conf) {
    return new Dataset("", "/", "write", conf.getTrimmed(Datasets.DEFAULT_KEY), Map.of());
  }

  /** What Parquet's factory reads: {@code key:column,column;key:column}. A struct stands for all its leaves. */
  static String columnKeys(Dataset dataset, MessageType schema) {
    List<String> leaves = schema.getPaths().stream().map(path -> String.join(".", path)).toList();
    Map<String, List<String>> byKey = new TreeMap<>();
    Map<String, String> chosen = new TreeMap<>();
    // Longest names last, so that a field's own key wins over that of its struct.
    dataset.columns().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(column -> leavesOf(column.getKey(), leaves).forEach(leaf -> chosen.put(leaf, column.getValue())));
    chosen.forEach((leaf, key) -> byKey.computeIfAbsent(key, absent -> new ArrayList<>()).add(leaf));
    return byKey.entrySet().stream()
        .map(entry -> entry.getKey() + ":" + String.join(",", entry.getValue()))
        .collect(Collectors.joining(";"));
  }

  private static Stream<String> leavesOf(String column, List<String> leaves) {
    List<String> found =
        leaves.stream().filter(leaf -> leaf.equals(column) || leaf.startsWith(column + ".")).toList();
    if (found.isEmpty() || column.matches(".*[,;:].*")) {
      throw new DataKeyException(
          "COLUMN_UNKNOWN", "no column can be encrypted as \"" + column + "\"; there are " + String.join(", ", leaves));
    }
    return found.stream();
  }
}
