// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.univocity.parsers.common.TextParsingException;
import com.univocity.parsers.csv.CsvParser;
import com.univocity.parsers.csv.CsvParserSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** CSV (RFC 4180) and JSON lines: how Spark is to read them, and which record it stumbled over. */
final class TextSource {
  private static final int MOST_COLUMNS = 20_480;
  private static final String MALFORMED = "_bulwark_malformed";
  private static final int BUFFER_BYTES = 1 << 20;

  private TextSource() {}

  /**
   * Reads so that a malformed record is an error. Spark's own mode for that (FAILFAST) prints the record into its logs.
   *
   * @param reader has the options of the format
   * @param load reads the input with the format of the reader
   */
  static Dataset<Row> readStrictly(DataFrameReader reader, Function<DataFrameReader, Dataset<Row>> load) {
    reader.option("columnNameOfCorruptRecord", MALFORMED);
    StructType schema = load.apply(reader).schema();
    if (!Arrays.asList(schema.fieldNames()).contains(MALFORMED)) {
      schema = schema.add(MALFORMED, DataTypes.StringType);
    }
    return load.apply(reader.schema(schema))
        .where("if(" + MALFORMED + " is null, true, raise_error('DATA_MALFORMED: a record is malformed'))")
        .drop(MALFORMED);
  }

  /**
   * Options of Spark's CSV reader.
   *
   * @param multiLine whether a quoted value may hold a line break; such a file is read by one task
   */
  static Map<String, String> csvOptions(boolean header, boolean multiLine) {
    return Map.of(
        "header", String.valueOf(header),
        "multiLine", String.valueOf(multiLine),
        "inferSchema", "true",
        "enforceSchema", "false",
        "mode", "PERMISSIVE",
        "quote", "\"",
        "escape", "\"",
        // Else Spark would read an empty text in quotes as null.
        "nullValue", "\u0000");
  }

  /** Whether any file has a line break within quotes. An odd quote elsewhere may say so too: slower, not wrong. */
  static boolean hasQuotedLineBreak(Configuration conf, List<Path> files) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    for (Path file : files) {
      try (InputStream in = DataFiles.open(conf, file)) {
        if (hasQuotedLineBreak(in, buffer)) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Finds the first malformed record. Called after Spark refused one, which says what it held but not where it is.
   *
   * @return file and line, never the record
   */
  static Optional<String> findMalformed(Configuration conf, List<Path> files, String format, int columns)
      throws IOException {
    for (Path file : files) {
      try (InputStream in = DataFiles.open(conf, file)) {
        BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        Optional<String> where = format.equals("csv") ? findInCsv(reader, columns) : findInJson(reader);
        if (where.isPresent()) {
          return Optional.of(where.get() + ", in " + file);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean hasQuotedLineBreak(InputStream in, byte[] buffer) throws IOException {
    boolean quoted = false;
    for (int length = in.read(buffer); length > 0; length = in.read(buffer)) {
      for (int index = 0; index < length; index++) {
        byte character = buffer[index];
        if (character == '"') {
          quoted = !quoted;
        } else if (quoted && (character == '\n' || character == '\r')) {
          return true;
        }
      }
    }
    return false;
  }

  private static Optional<String> findInCsv(BufferedReader reader, int columns) {
    CsvParserSettings settings = new CsvParserSettings();
    settings.getFormat().setQuoteEscape('"');
    settings.setLineSeparatorDetectionEnabled(true);
    settings.setMaxCharsPerColumn(-1);
    settings.setMaxColumns(MOST_COLUMNS);
    CsvParser parser = new CsvParser(settings);
    parser.beginParsing(reader);
    long record = 0;
    try {
      for (String[] values = parser.parseNext(); values != null; values = parser.parseNext()) {
        record++;
        if (values.length != columns) {
          String line = " (ends on line " + parser.getContext().currentLine() + ")";
          String counts = " has " + values.length + " values where there are " + columns + " columns";
          return Optional.of("record " + record + line + counts);
        }
      }
      return Optional.empty();
    } catch (TextParsingException unreadable) {
      // Its message quotes the record.
      return Optional.of("record " + (record + 1) + " cannot be read: after line " + unreadable.getLineIndex());
    } finally {
      parser.stopParsing();
    }
  }

  private static Optional<String> findInJson(BufferedReader reader) throws IOException {
    ObjectMapper json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    long number = 0;
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      number++;
      if (!line.isBlank() && !isRecord(json, line)) {
        return Optional.of("line " + number + " is not a JSON object");
      }
    }
    return Optional.empty();
  }

  private static boolean isRecord(ObjectMapper json, String line) {
    try {
      JsonNode value = json.readTree(line);
      return value.isObject();
    } catch (JacksonException malformed) {
      return false;
    }
  }
}
