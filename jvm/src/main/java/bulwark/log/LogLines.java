// SPDX-License-Identifier: Apache-2.0
package bulwark.log;

import java.io.Serializable;

/**
 * From an executor to its driver, which answers whether it keeps them.
 *
 * @param executor its id
 * @param lines whole lines as they are kept; none: there will be no more
 */
public record LogLines(String executor, byte[] lines) implements Serializable {
  boolean isEnd() {
    return lines.length == 0;
  }
}
