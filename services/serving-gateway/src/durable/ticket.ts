// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { PRIORITIES, type Receipt, readKeptModel } from "@bulwark/queue";

/**
 * What the id of a submitted request says, so that any gateway can fetch its result or take it back, and none has to
 * remember it. Nobody can guess one: whoever has the id may fetch the result.
 */
export type Ticket = { uri: string; model: string; receipt: Receipt };

const FORM = /^(~[A-Za-z0-9-]{1,64}\.[A-Za-z0-9_-]{1,400})\.(\d{1,15}-\d{1,10})\.([0-2])$/;

/** The id of a record that was taken in. */
export function writeTicket({ uri, id, priority }: Receipt): string {
  return [uri, id, PRIORITIES.indexOf(priority)].join(".");
}

/** Reads an id. Throws RESULT_UNKNOWN for one that no gateway gave. */
export function readTicket(text: string): Ticket {
  const [, uri = "", id, index] = FORM.exec(text) ?? [];
  const priority = PRIORITIES[Number(index)];
  const model = readKeptModel(uri);
  if (id !== undefined && priority !== undefined && model !== undefined) {
    return { uri, model, receipt: { id, priority, uri } };
  }
  throw new BulwarkError(
    "RESULT_UNKNOWN",
    "This is not the id of a submitted request.",
    "use the id of the submission's answer",
  );
}
