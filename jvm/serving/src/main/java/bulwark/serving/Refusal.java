// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.Set;

/** Why there is no result: a code of Bulwark's registry of errors, what happened, and what to do. */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_NAME = 80;
  /** What the asker did wrong, beside everything about tensors. The registry gives these a status below 500. */
  private static final Set<String> OF_THE_ASKER =
      Set.of("MODEL_UNKNOWN", "MODEL_VERSION_UNKNOWN", "IMAGE_UNREADABLE", "SERVING_DEADLINE");

  private final String code;
  private final String mend;
  private final boolean isOnPurpose;

  Refusal(String code, String message, String mend) {
    this(code, message, mend, null);
  }

  Refusal(String code, String message, String mend, Throwable cause) {
    this(code, message, mend, cause, false);
  }

  private Refusal(String code, String message, String mend, Throwable cause, boolean isOnPurpose) {
    super(message, cause);
    this.code = code;
    this.mend = mend;
    this.isOnPurpose = isOnPurpose;
  }

  /** Of a model that somebody took away on purpose: there is nothing to look at. */
  static Refusal unloaded(String model) {
    String message = "The model " + quote(model) + " is not ready: " + Models.UNLOADED;
    return new Refusal("MODEL_NOT_READY", message, "load it: bulwark model load NAME", null, true);
  }

  String code() {
    return code;
  }

  String mend() {
    return mend;
  }

  /**
   * Answered, and nothing more; for everything else the record becomes a dead letter as well, for somebody to look
   * at.
   */
  boolean isOfTheAsker() {
    return isOnPurpose || code.startsWith("TENSOR_") || OF_THE_ASKER.contains(code);
  }

  /** Whether a model that is being loaded may change it. */
  boolean isOfTheModel() {
    return code.equals("MODEL_NOT_READY") || code.equals("MODEL_UNKNOWN") || code.equals("MODEL_VERSION_UNKNOWN");
  }

  /** The refusal of something foreign, which says nothing of itself: its text may quote a record. */
  static Refusal of(Throwable error) {
    if (error instanceof Refusal known) return known;
    return new Refusal("BUG", "The engine failed.", "look at the engine's log", error);
  }

  /** A name as it may stand in a message: short, and without control characters. */
  static String quote(String name) {
    String text = name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME - 3) + "..." : name;
    return "\"" + text.replaceAll("[\\p{Cntrl}\"]", "?") + "\"";
  }
}
