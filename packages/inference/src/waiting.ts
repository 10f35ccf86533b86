// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import type { Checked } from "./check-inputs.ts";
import type { InferOptions, Priority, RunShare } from "./engine.ts";

/** What became of a request in its run. */
export type Computed = { readonly outputs: readonly Tensor[]; readonly run: RunShare };

/** A request that waits for its run. */
export type Waiting = Checked & {
  readonly options: InferOptions;
  readonly arrivedAt: number;
  /** It shared a run that did not end, and is tried alone. */
  readonly isSuspect?: true;
  resolve(computed: Computed): void;
  reject(error: unknown): void;
};

/** Requests by priority, those of one priority in the order of their arrival. */
export type Line = {
  readonly length: number;
  add(waiting: Waiting): void;
  /** When the one that has waited for longest arrived. */
  firstArrival(): number | undefined;
  /** Rows that could run together now, counted up to `most`. */
  countRows(most: number): number;
  /**
   * Takes the next run: the first request, and behind it those of the same key as long as their rows fit. One with more
   * rows than fit runs alone.
   */
  take(maxRows: number): Waiting[];
  /** Refuses those that nobody waits for any more, and those whose deadline has passed. */
  sweep(now: number): void;
  /** Refuses all. */
  refuseAll(error: BulwarkError): void;
};

const RANKS: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };

export function createLine(): Line {
  /** Of each priority, in the order of arrival. */
  const ranks: Waiting[][] = [[], [], []];
  const first = (): Waiting | undefined => ranks[0]?.[0] ?? ranks[1]?.[0] ?? ranks[2]?.[0];
  /** Takes out those for whom there is an error, and refuses them with it. */
  const refuse = (findError: (waiting: Waiting) => BulwarkError | undefined): void => {
    for (const [rank, line] of ranks.entries()) {
      if (line.every((waiting) => findError(waiting) === undefined)) continue;
      ranks[rank] = line.filter((waiting) => findError(waiting) === undefined);
      for (const waiting of line) {
        const error = findError(waiting);
        if (error !== undefined) waiting.reject(error);
      }
    }
  };
  return {
    get length() {
      let length = 0;
      for (const line of ranks) length += line.length;
      return length;
    },
    add: (waiting) => void ranks[RANKS[waiting.options.priority ?? "normal"]]?.push(waiting),
    firstArrival() {
      let earliest: number | undefined;
      for (const [next] of ranks) {
        if (next !== undefined && (earliest === undefined || next.arrivedAt < earliest)) earliest = next.arrivedAt;
      }
      return earliest;
    },
    countRows(most) {
      const key = first()?.key;
      let rows = 0;
      for (const line of ranks) {
        for (const waiting of line) {
          if (waiting.key === key) rows += waiting.rows;
          if (rows >= most) return rows;
        }
      }
      return rows;
    },
    take(maxRows) {
      const batch: Batch = { taken: [], rows: 0, maxRows, key: first()?.key ?? "" };
      for (const [rank, line] of ranks.entries()) ranks[rank] = takeFrom(line, batch);
      return batch.taken;
    },
    sweep: (now) => refuse((waiting) => findRefusal(waiting, now)),
    refuseAll: (error) => refuse(() => error),
  };
}

type Batch = { readonly taken: Waiting[]; rows: number; readonly maxRows: number; readonly key: string };

/** Moves what fits from a line into a batch, and gives those that are left. */
function takeFrom(line: Waiting[], batch: Batch): Waiting[] {
  const { taken, maxRows, key } = batch;
  const left: Waiting[] = [];
  let at = 0;
  for (; at < line.length && batch.rows < maxRows; at++) {
    const waiting = line[at] as Waiting;
    if (taken.length === 0 || (waiting.key === key && batch.rows + waiting.rows <= maxRows)) {
      taken.push(waiting);
      // Requests without rows are counted too, so that a run cannot gather them without end.
      batch.rows += Math.max(1, waiting.rows);
    } else left.push(waiting);
  }
  if (at === 0) return line;
  return left.length === 0 ? line.slice(at) : [...left, ...line.slice(at)];
}

/** Why a request should not be computed any more; nothing while it should. */
export function findRefusal(
  { options, isSuspect }: Pick<Waiting, "options" | "isSuspect">,
  now: number,
): BulwarkError | undefined {
  if (options.isGone?.() === true) {
    return new BulwarkError("SERVING_CANCELLED", "The caller went away", "send the request again");
  }
  const isAwaited = isSuspect === true && options.awaitsRun === true;
  if (options.deadline !== undefined && options.deadline <= now && !isAwaited) {
    const mend = "give it more time, or send less at once";
    return new BulwarkError("SERVING_DEADLINE", "The deadline passed before the request was computed", mend);
  }
  return undefined;
}
