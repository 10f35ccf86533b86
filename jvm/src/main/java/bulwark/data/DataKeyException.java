// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import org.apache.parquet.crypto.KeyAccessDeniedException;

/** A refusal to open or make encrypted data. The message is the code, a colon and one sentence; never a key. */
public final class DataKeyException extends KeyAccessDeniedException {
  private static final long serialVersionUID = 1L;

  private final String code;

  public DataKeyException(String code, String sentence) {
    this(code, sentence, null);
  }

  public DataKeyException(String code, String sentence, Throwable cause) {
    super(code + ": " + sentence, cause);
    this.code = code;
  }

  /** One of the project's error codes, for instance KEY_MISSING. */
  public String code() {
    return code;
  }
}
