// SPDX-License-Identifier: Apache-2.0
import { createPending } from "@bulwark/queue";

/** How a request ended that got no answer: its time was over, or its caller went away. */
export type Over = "late" | "gone";

export type Limits = {
  /** In ms since 1970. */
  readonly deadline: number;
  /** Whether the caller has gone away; cheap to ask. */
  readonly isGone: () => boolean;
};

/** One who waits. The first of an answer, a failure and the end of his time is what he gets. */
export type Seat<Value> = {
  readonly ended: Promise<Value | Over>;
  isOver(): boolean;
  /** Gives him his answer, unless his time is over. */
  give(value: Value): void;
  fail(error: unknown): void;
};

/** Requests that wait for their answers. */
export type Waiting<Value> = {
  /** Begins to wait. Whoever asks is told within some 20 ms that his limits are reached. */
  open(limits: Limits): Seat<Value>;
};

type Asker = Limits & { end(how: Over): void };

const LOOK_MS = 20;

/** One timer for all that wait: one for each of them, and a listener at its connection, cost as much as sealing it. */
export function createWaiting<Value>(now: () => number): Waiting<Value> {
  const askers = createPending<Asker>();
  let last = 0;
  let isLooking = false;
  const lookLater = (): void => {
    if (isLooking) return;
    isLooking = true;
    setTimeout(look, LOOK_MS);
  };
  const look = (): void => {
    isLooking = false;
    const at = now();
    for (const asker of askers.list()) {
      if (asker.isGone()) asker.end("gone");
      else if (asker.deadline <= at) asker.end("late");
    }
    if (askers.size() > 0) lookLater();
  };

  return {
    open(limits) {
      const { promise, resolve, reject } = Promise.withResolvers<Value | Over>();
      const name = `#${last++}`;
      let isOver = false;
      const leave = (): void => {
        isOver = true;
        askers.delete(name);
      };
      const end = (how: Value | Over): void => {
        leave();
        resolve(how);
      };
      askers.set(name, { ...limits, end });
      lookLater();
      return {
        ended: promise,
        isOver: () => isOver,
        // Between two looks his time may have passed.
        give: (value) => end(limits.deadline <= now() ? "late" : value),
        fail(error) {
          leave();
          reject(error);
        },
      };
    },
  };
}
