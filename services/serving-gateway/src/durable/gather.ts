// SPDX-License-Identifier: Apache-2.0
import type { Shared } from "@bulwark/inference";
import { createPending, type Priority, type RequestContent } from "@bulwark/queue";
import type { Tensor } from "@bulwark/tensors";

/** What decides with whom a request may go, and whether it still has to. */
export type Gathered = {
  readonly model: string;
  readonly content: RequestContent;
  readonly priority: Priority;
  readonly seat: { isOver(): boolean };
};

/** Beyond this, what a record costs by itself does not matter any more. */
const MOST_BYTES = 2 ** 18;

/** Between two records of several requests: what comes meanwhile goes together, and costs a third less. */
const SPACING_MS = 4;

type Waiting<Request> = { readonly request: Request; readonly rows: number; readonly bytes: number };
type Group<Request> = { waiting: Waiting<Request>[]; readonly maxRows: number };

/**
 * Puts requests together that may share a run: those that come within one turn of the event loop, while the record before
 * them is on its way to the queue, or shortly after one of several. A request that comes alone waits for nothing.
 *
 * @param send sends them as one record; resolves when the next may follow
 */
export function createGathering<Request extends Gathered>(
  send: (requests: readonly [Request, ...Request[]]) => Promise<void>,
): (request: Request, shared: Shared) => void {
  const groups = createPending<Group<Request>>();

  const flush = async (key: string, group: Group<Request>): Promise<void> => {
    const [first, ...others] = takeTogether(group);
    if (first !== undefined) await send([first, ...others]);
    if (others.length > 0 && group.waiting.length < group.maxRows) setTimeout(flush, SPACING_MS, key, group);
    else if (group.waiting.length > 0) setImmediate(flush, key, group);
    else groups.delete(key);
  };

  return (request, { inputs, rows, key, maxRows }) => {
    const name = nameGroup(request, key);
    let group = groups.get(name);
    if (group === undefined) {
      group = { waiting: [], maxRows };
      groups.set(name, group);
      setImmediate(flush, name, group);
    }
    group.waiting.push({ request, rows, bytes: countBytes(inputs) });
  };
}

/** The next that fit into one record, in their order, without those that nobody waits for any more: one at least, where any waits. */
function takeTogether<Request extends Gathered>(group: Group<Request>): Request[] {
  const waiting = group.waiting.filter(({ request }) => !request.seat.isOver());
  let [rows, bytes, count] = [0, 0, 0];
  for (const one of waiting) {
    rows += one.rows;
    bytes += one.bytes;
    if (count > 0 && (rows > group.maxRows || bytes > MOST_BYTES)) break;
    count++;
  }
  group.waiting = waiting.slice(count);
  return waiting.slice(0, count).map(({ request }) => request);
}

/** Equal for what one run can compute: version, outputs and priority are those of the whole record. Names may hold anything. */
function nameGroup({ model, content, priority }: Gathered, key: string): string {
  const asked = content.kind === "tensors" ? [content.version, content.outputs] : [];
  return JSON.stringify([model, priority, key, ...asked]);
}

function countBytes(tensors: readonly Tensor[]): number {
  let bytes = 0;
  for (const { datatype, data } of tensors) {
    if (datatype !== "BYTES") bytes += data.byteLength;
    else for (const element of data) bytes += element.byteLength;
  }
  return bytes;
}
