// SPDX-License-Identifier: Apache-2.0
import type { BulwarkError, ErrorCode } from "@bulwark/contracts/errors";

/** Seconds after which a request that was refused for the moment makes sense again. */
export type RetryAfter = {
  secondsFor(error: Pick<BulwarkError, "code" | "retryAfterMs">): number;
  /** A request was answered: how many are, in how much time, says how long others take to be. */
  done(): void;
};

export type Load = {
  now(): number;
  /** Requests under way here. */
  inFlight(): number;
  /** Age of the oldest record in the queue: as long as the queue takes now; undefined where nothing is known. */
  oldestMs(): number | undefined;
};

const LEAST_SECONDS = 1;
const MOST_SECONDS = 30;
const WINDOW_MS = 10_000;

const OF_THE_QUEUE: readonly ErrorCode[] = ["QUEUE_FULL", "ENGINE_ABSENT"];

/**
 * Exact where the refusal knows it: a limit counts its own refill. Else an estimate, bounded: what the queue refuses has
 * room once it was worked off, what this process refuses once what is under way was answered at the rate of late.
 */
export function createRetryAfter({ now, inFlight, oldestMs }: Load): RetryAfter {
  let since = now();
  let [before, current] = [0, 0];

  /** Windows one after the other, of which the last whole one counts with the one under way. */
  const roll = (): void => {
    const windows = Math.floor((now() - since) / WINDOW_MS);
    if (windows === 0) return;
    before = windows === 1 ? current : 0;
    current = 0;
    since += windows * WINDOW_MS;
  };

  const estimateMs = (code: ErrorCode): number => {
    if (OF_THE_QUEUE.includes(code)) return oldestMs() ?? 0;
    if (code !== "ENGINE_BUSY") return 0;
    roll();
    const answered = before + current;
    const tookMs = now() - since + (before === 0 ? 0 : WINDOW_MS);
    return answered === 0 ? 0 : (inFlight() / answered) * tookMs;
  };

  return {
    secondsFor({ code, retryAfterMs }) {
      if (retryAfterMs !== undefined) return Math.max(LEAST_SECONDS, Math.ceil(retryAfterMs / 1000));
      return Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, Math.ceil(estimateMs(code) / 1000)));
    },
    done() {
      roll();
      current++;
    },
  };
}
