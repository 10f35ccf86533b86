// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The text that the older server answers with instead of a tensor, from the first output (packages/tensors,
 * post-processing.ts).
 *
 * @param isTop the largest elements as `[[index,value],...]`, the first of equals first; else the first rows of a
 *     matrix
 */
record PostProcessing(boolean isTop, int count) {
  private static final Pattern FORM = Pattern.compile("\\s*(topN|pickTopN)\\(\\s*(\\d{1,9})\\s*\\)\\s*");
  private static final int MOST_DIGITS = 9;
  private static final double LEAST_PLAIN = 1e-3;
  private static final double FIRST_TOO_LARGE = 1e7;

  /** Null when empty. Throws SERVING_CONFIG. */
  static PostProcessing parse(String text) throws Refusal {
    if (text.isBlank()) return null;
    Matcher form = FORM.matcher(text);
    if (form.matches() && Integer.parseInt(form.group(2)) > 0) {
      return new PostProcessing(form.group(1).equals("topN"), Integer.parseInt(form.group(2)));
    }
    String message = "postProcessing " + Refusal.quote(text) + " is not known";
    throw new Refusal("SERVING_CONFIG", message, "write topN(5) or pickTopN(5)");
  }

  /** Throws TENSOR_SHAPE for outputs that have no rows, TENSOR_DATATYPE for strings. */
  String apply(List<Tensor> outputs) throws Refusal {
    if (outputs.isEmpty()) throw new Refusal("TENSOR_SHAPE", "The model has no output", "serve another model");
    float[] values = OlderResult.toSingles(outputs.get(0));
    List<String> rows = isTop ? findLargest(values) : takeRows(outputs.get(0), values);
    return "[" + String.join(",", rows) + "]";
  }

  private List<String> findLargest(float[] values) {
    // NaN counts as the least, so that it cannot upset the order.
    Comparator<Integer> byValue =
        Comparator.comparingDouble(at -> Float.isNaN(values[at]) ? Double.NEGATIVE_INFINITY : values[at] + 0.0);
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(byValue.reversed())
        .limit(count)
        .map(at -> "[" + at + "," + format(values[at]) + "]")
        .toList();
  }

  private List<String> takeRows(Tensor output, float[] values) throws Refusal {
    long[] shape = output.shape();
    if (shape.length == 3 && shape[0] == 1) shape = Arrays.copyOfRange(shape, 1, shape.length);
    if (shape.length != 2) {
      String message = "Output " + Refusal.quote(output.name()) + " has no rows to pick";
      throw new Refusal("TENSOR_SHAPE", message, "use topN(n) for it");
    }
    int width = (int) shape[1];
    return IntStream.range(0, (int) Math.min(count, shape[0]))
        .mapToObj(row -> IntStream.range(row * width, (row + 1) * width).mapToObj(at -> format(values[at])).toList())
        .map(row -> "[" + String.join(",", row) + "]")
        .toList();
  }

  /** A float in the fewest digits that give it back, `1.0E-4` outside 1e-3 to 1e7; Java's own has more before 19. */
  static String format(float value) {
    if (!Float.isFinite(value) || value == 0) return Float.toString(value);
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= MOST_DIGITS; digits++) {
      shortest = exact.round(new MathContext(digits, RoundingMode.HALF_UP));
      if (shortest.floatValue() == value) break;
    }
    shortest = shortest.stripTrailingZeros();
    double size = Math.abs(value);
    if (size >= LEAST_PLAIN && size < FIRST_TOO_LARGE) return withPoint(shortest.toPlainString());
    int exponent = shortest.precision() - shortest.scale() - 1;
    return withPoint(shortest.scaleByPowerOfTen(-exponent).toPlainString()) + "E" + exponent;
  }

  private static String withPoint(String text) {
    return text.contains(".") ? text : text + ".0";
  }
}
