// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.Serializable;

/**
 * A record on its way through the job.
 *
 * @param isAlone it was handed out before: it is computed with nothing beside it
 * @param isLast nothing waits behind it: what was gathered is to run now
 * @param holder the reader's account of what is not ended yet. Source, operator and sink are one chain in one
 *     thread, so
 *     it is never written anywhere
 */
record Ticket(Delivery delivery, boolean isAlone, boolean isLast, InFlight holder) implements Serializable {}
