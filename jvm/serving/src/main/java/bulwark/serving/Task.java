// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.List;

/**
 * A record that was opened and fits its model: what is left is to compute it.
 *
 * @param envelope seals the answer; null where the record was not sealed
 * @param outputs names of those wanted; all when empty
 */
record Task(Ticket ticket, Model model, Checked checked, Envelope envelope, boolean isOlder, List<String> outputs) {}
