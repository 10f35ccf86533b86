// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import java.io.IOException;

/** A file whose content is refused. The message is the code, a colon and one sentence; never a value of the data. */
public final class DataFileException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String code;

  public DataFileException(String code, String sentence) {
    this(code, sentence, null);
  }

  public DataFileException(String code, String sentence, Throwable cause) {
    super(code + ": " + sentence, cause);
    this.code = code;
  }

  /** One of the project's error codes, for instance DATA_TAMPERED. */
  public String code() {
    return code;
  }
}
