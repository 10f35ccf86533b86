// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.crypto.EncryptionPropertiesFactory;
import org.apache.parquet.schema.MessageType;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.datasources.parquet.SparkToParquetSchemaConverter;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Turns files of one format into encrypted Parquet and back, as a stream of rows through Spark. */
final class Conversion {
  private Conversion() {}

  /** Writes encrypted Parquet; see {@link DataTool}. */
  static Object encrypt(Map<String, String> options) throws IOException {
    SparkSession spark = SparkSession.builder().appName("data encrypt").getOrCreate();
    Configuration conf = cryptoConfiguration(spark);
    List<Path> files = DataFiles.find(conf, options.get("input"));
    String format = format(options, files);
    Path output = new Path(options.get("output"));
    Datasets.Dataset dataset =
        Datasets.find(conf, output)
            .filter(found -> found.key() != null)
            .orElseThrow(() -> new DataKeyException("KEY_MISSING", "no key was named for " + output));
    requireFree(conf, output, options);
    int columns = -1;
    try {
      Dataset<Row> rows = read(spark, format, options, files);
      columns = rows.columns().length;
      if (columns == 0) {
        throw new DataFileException("DATA_MALFORMED", options.get("input") + " has no columns");
      }
      // Known now rather than after a long conversion.
      MessageType schema = new SparkToParquetSchemaConverter(spark.sessionState().conf()).convert(rows.schema());
      DatasetCryptoFactory.columnKeys(dataset, schema);
      rows.write().mode(SaveMode.Overwrite).parquet(output.toString());
    } catch (Exception failure) {
      throw explain(failure, conf, files, format, columns);
    }
    DataReport report = DataReport.read(conf, DataFiles.find(conf, output.toString()));
    if (report.columns().stream().anyMatch(column -> column.key() == null)) {
      throw new DataFileException("DATA_NOT_ENCRYPTED", "a column of " + output + " was not encrypted");
    }
    return report;
  }

  /** Writes plain files; see {@link DataTool}. */
  static Object decrypt(Map<String, String> options) throws IOException {
    SparkSession spark = SparkSession.builder().appName("data decrypt").getOrCreate();
    Configuration conf = cryptoConfiguration(spark);
    List<Path> files = DataFiles.find(conf, options.get("input"));
    Path output = new Path(options.get("output"));
    requireFree(conf, output, options);
    DataReport report = DataReport.read(conf, files);
    if (report.format().equals("aesgcm")) {
      copyText(conf, files, output);
      return report;
    }
    Dataset<Row> rows = spark.read().parquet(options.get("input"));
    DataFrameWriter<Row> writer = rows.write().mode(SaveMode.Overwrite);
    switch (options.get("format")) {
      case "parquet" -> writer.parquet(output.toString());
      case "jsonl" ->
          writer.options(Map.of("compression", "none", "ignoreNullFields", "false")).json(output.toString());
      case "csv" -> {
        requireFlat(rows.schema());
        writer
            .options(Map.of("compression", "none", "header", "true", "escape", "\""))
            .options(Map.of("ignoreLeadingWhiteSpace", "false", "ignoreTrailingWhiteSpace", "false"))
            .csv(output.toString());
      }
      default -> throw unknown(options.get("format"));
    }
    return report;
  }

  /** The plan of a job sets this only when the job names keys, and here any key of the keyring may be needed. */
  private static Configuration cryptoConfiguration(SparkSession spark) {
    Configuration conf = spark.sparkContext().hadoopConfiguration();
    conf.set(EncryptionPropertiesFactory.CRYPTO_FACTORY_CLASS_PROPERTY_NAME, DatasetCryptoFactory.class.getName());
    return conf;
  }

  /** Text files are of the format they were written in; each becomes a plain file of its name. */
  private static void copyText(Configuration conf, List<Path> files, Path output) throws IOException {
    for (Path file : files) {
      String name = file.getName().substring(0, file.getName().length() - AesGcmCodec.SUFFIX.length());
      try (InputStream in = new AesGcmCodec(conf).createInputStream(file.getFileSystem(conf).open(file));
          OutputStream out = output.getFileSystem(conf).create(new Path(output, name))) {
        in.transferTo(out);
      }
    }
  }

  private static String format(Map<String, String> options, List<Path> files) throws DataFileException {
    String given = options.getOrDefault("format", "auto");
    return given.equals("auto") ? DataFiles.formatOf(files.get(0)) : given;
  }

  private static Dataset<Row> read(SparkSession spark, String format, Map<String, String> options, List<Path> files)
      throws IOException {
    Configuration conf = spark.sparkContext().hadoopConfiguration();
    String input = options.get("input");
    return switch (format) {
      case "parquet" -> spark.read().parquet(input);
      case "jsonl" -> TextSource.readStrictly(spark.read(), reader -> reader.json(input));
      case "csv" -> {
        boolean header = options.getOrDefault("header", "true").equals("true");
        boolean multiLine = TextSource.hasQuotedLineBreak(conf, files);
        DataFrameReader csv = spark.read().options(TextSource.csvOptions(header, multiLine));
        yield TextSource.readStrictly(csv, reader -> reader.csv(input));
      }
      default -> throw unknown(format);
    };
  }

  private static void requireFree(Configuration conf, Path output, Map<String, String> options) throws IOException {
    if (!options.getOrDefault("overwrite", "false").equals("true") && output.getFileSystem(conf).exists(output)) {
      throw new DataFileException("OUTPUT_EXISTS", output + " exists already");
    }
  }

  private static void requireFlat(StructType schema) throws DataFileException {
    for (StructField field : schema.fields()) {
      DataType type = field.dataType();
      if (type instanceof StructType || type instanceof ArrayType || type instanceof MapType) {
        throw new DataFileException(
            "DATA_FORMAT_UNKNOWN", "column \"" + field.name() + "\" is nested, which CSV cannot hold; use jsonl");
      }
    }
  }

  private static DataFileException unknown(String format) {
    return new DataFileException("DATA_FORMAT_UNKNOWN", "\"" + format + "\" is none of csv, jsonl, parquet");
  }

  /** Where a malformed record is, is found by reading again: Spark counts no records. */
  private static RuntimeException explain(
      Exception failure, Configuration conf, List<Path> files, String format, int columns) throws IOException {
    var known = Failures.describe(failure);
    if (known.isPresent() && known.get().code().equals("DATA_MALFORMED")) {
      String where = TextSource.findMalformed(conf, files, format, columns).orElse(known.get().sentence());
      throw new DataFileException("DATA_MALFORMED", where);
    }
    if (failure instanceof IOException io) {
      throw io;
    }
    throw failure instanceof RuntimeException runtime ? runtime : new IllegalStateException(failure);
  }
}
