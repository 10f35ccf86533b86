// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

/** A reason why an application may not run, with one of the project's error codes. */
public final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String code;

  public Refusal(String code, String sentence) {
    super(sentence);
    this.code = code;
  }

  public String code() {
    return code;
  }
}
