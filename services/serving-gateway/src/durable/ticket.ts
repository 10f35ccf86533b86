// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { TICKET_MARK } from "@bulwark/queue";

/** What the id of a submitted request says, so that any gateway can fetch its result: it is the record's uri. */
export type Ticket = { id: string; until: number; model: string };

const FORM = /^~([A-Za-z0-9-]{1,64})\.([0-9a-z]{1,11})\.([A-Za-z0-9_-]{1,400})$/;

/** Writes the id of a request that is of use until an instant. */
export function writeTicket({ id, until, model }: Ticket): string {
  return TICKET_MARK + [id, Math.ceil(until).toString(36), Buffer.from(model).toString("base64url")].join(".");
}

/** Reads an id. Throws RESULT_UNKNOWN for one that no gateway gave. */
export function readTicket(text: string): Ticket {
  const [, id, until, model] = FORM.exec(text) ?? [];
  if (id !== undefined && until !== undefined && model !== undefined) {
    return { id, until: Number.parseInt(until, 36), model: Buffer.from(model, "base64url").toString() };
  }
  throw new BulwarkError(
    "RESULT_UNKNOWN",
    "This is not the id of a submitted request.",
    "use the id of the submission's answer",
  );
}
