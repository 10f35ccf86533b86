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
const rankOf = ({ options }: Waiting): number => RANKS[options.priority ?? "normal"];

export function createLine(): Line {
  let line: Waiting[] = [];
  const firstKey = (): string => line[0]?.key ?? "";
  return {
    get length() {
      return line.length;
    },
    add(waiting) {
      let at = line.length;
      for (let before = line[at - 1]; before !== undefined && rankOf(before) > rankOf(waiting); )
        before = line[--at - 1];
      line.splice(at, 0, waiting);
    },
    firstArrival() {
      let first: number | undefined;
      for (const { arrivedAt } of line) if (first === undefined || arrivedAt < first) first = arrivedAt;
      return first;
    },
    countRows(most) {
      let rows = 0;
      for (const waiting of line) {
        if (waiting.key === firstKey()) rows += waiting.rows;
        if (rows >= most) break;
      }
      return rows;
    },
    take(maxRows) {
      const taken: Waiting[] = [];
      const left: Waiting[] = [];
      const key = firstKey();
      let rows = 0;
      let at = 0;
      for (; at < line.length && rows < maxRows; at++) {
        const waiting = line[at] as Waiting;
        if (taken.length === 0 || (waiting.key === key && rows + waiting.rows <= maxRows)) {
          taken.push(waiting);
          // Requests without rows are counted too, so that a run cannot gather them without end.
          rows += Math.max(1, waiting.rows);
        } else left.push(waiting);
      }
      line = left.length === 0 ? line.slice(at) : [...left, ...line.slice(at)];
      return taken;
    },
    sweep(now) {
      if (line.every((waiting) => findRefusal(waiting, now) === undefined)) return;
      const before = line;
      line = before.filter((waiting) => findRefusal(waiting, now) === undefined);
      for (const waiting of before) {
        const refusal = findRefusal(waiting, now);
        if (refusal !== undefined) waiting.reject(refusal);
      }
    },
    refuseAll(error) {
      const before = line;
      line = [];
      for (const waiting of before) waiting.reject(error);
    },
  };
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
