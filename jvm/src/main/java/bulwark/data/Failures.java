// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds, in a failure of Spark, what went wrong with encrypted data. Works on text: of a failure on an executor the
 * driver has no more than the printed stack trace.
 */
public final class Failures {
  /** A stable code of the project, and one sentence that names the file or key where it is known. */
  public record Failure(String code, String sentence) {}

  private record Rule(Pattern pattern, Function<MatchResult, Failure> failure) {}

  private static final Pattern OURS =
      Pattern.compile(
          "\\b(KEY_MISSING|KEY_WRONG|KEYRING_UNSAFE|KEYRING_INVALID|COLUMN_UNKNOWN|DATASETS_INVALID|OUTPUT_EXISTS|USAGE"
              + "|DATA_(?:TAMPERED|TRUNCATED|MISSING|MALFORMED|NOT_PARQUET|NOT_ENCRYPTED|FORMAT_UNKNOWN)): ([^\\n]+)");

  /** Where Spark or Hadoop name the file they were reading. */
  private static final List<Pattern> FILES =
      List.of(
          Pattern.compile("reading file:? (\\S+:/.+?)\\. *(?:SQLSTATE|\\n|$)"),
          Pattern.compile("FileStatus\\{path=(.+?); "),
          Pattern.compile("[Cc]hecksum error: (\\S+:/.+?) at \\d"),
          Pattern.compile("[Ee]rror: (\\S+:/.+?) at \\d"),
          Pattern.compile("in file (\\w+:/[^\\n]+)"),
          Pattern.compile("(\\bfile:/[^\\s,;]+)"));

  private static final String CHANGED = "was changed after it was written";

  /** First rule that matches. Those of Parquet come last: the more exact word is ours. */
  private static final List<Rule> RULES =
      List.of(
          new Rule(OURS, match -> new Failure(match.group(1), match.group(2).strip())),
          rule("TagVerificationException|ChecksumException", "DATA_TAMPERED", CHANGED),
          rule("(?s)[Kk]ey material.*FileNotFoundException", "DATA_MISSING", "has lost its wrapped keys"),
          rule("key material|key metadata|keyIDinFile|FileCryptoMetaData", "DATA_TAMPERED", CHANGED),
          rule("plaintext file", "DATA_NOT_ENCRYPTED", "is plain, where encrypted data was to be read"),
          rule("KeyAccessDeniedException", "KEY_MISSING", "needs a key that this job was not given"),
          rule("is not a Parquet file", "DATA_NOT_PARQUET", "is not a Parquet file"),
          rule("MALFORMED_(?:CSV_)?RECORD", "DATA_MALFORMED", "has a record that is malformed"),
          rule("PATH_NOT_FOUND", "DATA_MISSING", "does not exist"));

  /** Any other complaint that Parquet's own readers make about bytes: those are not the bytes that were written. */
  private static final Pattern DAMAGE =
      Pattern.compile(
          "(?:EOFException|TProtocolException|TTransportException|NegativeArraySizeException|NullPointerException"
              + "|IllegalArgumentException|OutOfMemoryError|ParquetCryptoRuntimeException|ParquetDecodingException"
              + "|can not read class org\\.apache\\.parquet|Required field)[^\\n]*\\n"
              + "(?:\\s+at (?!org\\.apache\\.parquet)[^\\n]*\\n){0,8}"
              + "\\s+at org\\.apache\\.parquet\\.(?:crypto|format|hadoop|column)\\.");

  private static final String FILE = "{file}";

  private Failures() {}

  /** What a failure means for the data, if it is about data at all. */
  public static Optional<Failure> describe(Throwable failure) {
    StringBuilder text = new StringBuilder();
    collect(failure, text, Collections.newSetFromMap(new IdentityHashMap<>()));
    return describe(text.toString());
  }

  /** The same from a printed stack trace. */
  public static Optional<Failure> describe(String trace) {
    for (Rule rule : RULES) {
      Matcher matcher = rule.pattern().matcher(trace);
      if (matcher.find()) {
        return Optional.of(name(rule.failure().apply(matcher.toMatchResult()), trace));
      }
    }
    if (DAMAGE.matcher(trace).find()) {
      return Optional.of(name(new Failure("DATA_TAMPERED", FILE + " " + CHANGED), trace));
    }
    return Optional.empty();
  }

  private static Rule rule(String pattern, String code, String predicate) {
    return new Rule(Pattern.compile(pattern), match -> new Failure(code, FILE + " " + predicate));
  }

  private static Failure name(Failure failure, String trace) {
    String file =
        FILES.stream()
            .map(pattern -> pattern.matcher(trace))
            .filter(Matcher::find)
            .map(matcher -> matcher.group(1))
            .findFirst()
            .orElse("a file");
    String sentence = failure.sentence().replace(FILE, file);
    // A codec is not told the name of its file; Spark's words around it have it.
    boolean unnamed = sentence.contains("an encrypted file") || sentence.contains("a wrapped data key");
    return new Failure(failure.code(), unnamed && !file.equals("a file") ? sentence + " (" + file + ")" : sentence);
  }

  private static void collect(Throwable failure, StringBuilder text, Set<Throwable> seen) {
    if (failure == null || !seen.add(failure)) {
      return;
    }
    text.append(failure).append('\n');
    for (StackTraceElement frame : failure.getStackTrace()) {
      text.append("\tat ").append(frame).append('\n');
    }
    collect(failure.getCause(), text, seen);
    for (Throwable suppressed : failure.getSuppressed()) {
      collect(suppressed, text, seen);
    }
  }
}
