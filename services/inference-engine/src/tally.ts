// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";

/** Records that ended without a result, by model and code, and how long records had waited in the queue. */
export type Tally = {
  /** A record was handed out for the first time, so long after it was taken in. */
  taken(waitedMs: number): void;
  failed(model: string, code: ErrorCode): void;
  failures(): readonly { readonly model: string; readonly code: ErrorCode; readonly count: number }[];
  waits(): { readonly count: number; readonly seconds: number };
};

/** @param knows whether a name is a model's: others are whatever somebody wrote into a record, and count as none */
export function createTally(knows: (model: string) => boolean): Tally {
  const failures = new Map<string, { model: string; code: ErrorCode; count: number }>();
  const waits = { count: 0, seconds: 0 };
  return {
    taken(waitedMs) {
      waits.count++;
      // Two clocks: what came in a moment ago may seem to come from the future.
      waits.seconds += Math.max(0, waitedMs) / 1000;
    },
    failed(name, code) {
      const model = knows(name) ? name : "";
      const key = `${code} ${model}`;
      const known = failures.get(key);
      if (known === undefined) failures.set(key, { model, code, count: 1 });
      else known.count++;
    },
    failures: () => [...failures.values()],
    waits: () => waits,
  };
}
