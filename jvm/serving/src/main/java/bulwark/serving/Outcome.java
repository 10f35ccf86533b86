// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;

/**
 * The end of a record.
 *
 * @param ticket what the reader gave out with it, and takes back
 * @param value the result, or the answer that tells the asker why there is none
 * @param reason empty for a result and for what the asker did wrong; else the record becomes a dead letter
 * @param run what its run took, for the asker's statistics; empty where it had none
 */
record Outcome(Ticket ticket, byte[] value, String reason, String run) implements Serializable {
  Delivery delivery() {
    return ticket.delivery();
  }
}
