// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;

/**
 * The end of a record.
 *
 * @param ticket what the reader gave out with it, and takes back
 * @param value the result, or the answer that tells the asker why there is none
 * @param failure the code of what kept it from a result; empty for a result
 * @param isDead the record becomes a dead letter, since it is not the asker who did wrong
 * @param run what its run took, for the asker's statistics; empty where it had none
 */
record Outcome(Ticket ticket, byte[] value, String failure, boolean isDead, String run) implements Serializable {
  /** Of a dead letter; empty for what is none. */
  String reason() {
    return isDead ? failure : "";
  }

  Delivery delivery() {
    return ticket.delivery();
  }
}
