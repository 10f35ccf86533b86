// SPDX-License-Identifier: Apache-2.0
import { type Answer, createPending } from "@bulwark/queue";

/** How a request ended that got no answer: its time was over, or its caller went away. */
export type Over = "late" | "gone";

export type Limits = {
  /** In ms since 1970. */
  readonly deadline: number;
  /** Whether the caller has gone away; cheap to ask. */
  readonly isGone: () => boolean;
};

/** Requests that wait for their answers. */
export type Waiting = {
  /** Waits for the answer to a record. Whoever asks is told within some 20 ms that its limits are reached. */
  open(uri: string, limits: Limits): { ended: Promise<Answer | Over>; fail(error: unknown): void };
  /** Hands an answer to whoever waits for it, unless his time is over. */
  answer(answer: Answer): void;
};

type Asker = Limits & { resolve(end: Answer | Over): void };

const LOOK_MS = 20;

/** One timer for all that wait: one for each of them, and a listener at its connection, cost as much as sealing it. */
export function createWaiting(now: () => number): Waiting {
  const askers = createPending<Asker>();
  const end = (uri: string, { resolve }: Asker, how: Answer | Over): void => {
    askers.delete(uri);
    resolve(how);
  };
  let isLooking = false;
  const lookLater = (): void => {
    if (isLooking) return;
    isLooking = true;
    setTimeout(look, LOOK_MS);
  };
  const look = (): void => {
    isLooking = false;
    const at = now();
    for (const [uri, asker] of askers.entries()) {
      if (asker.isGone()) end(uri, asker, "gone");
      else if (asker.deadline <= at) end(uri, asker, "late");
    }
    if (askers.size() > 0) lookLater();
  };

  return {
    open(uri, limits) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer | Over>();
      askers.set(uri, { ...limits, resolve });
      lookLater();
      const fail = (error: unknown): void => {
        askers.delete(uri);
        reject(error);
      };
      return { ended: promise, fail };
    },
    answer(answer) {
      const asker = askers.get(answer.uri);
      // Between two looks its time may have passed.
      if (asker !== undefined) end(answer.uri, asker, asker.deadline <= now() ? "late" : answer);
    },
  };
}
