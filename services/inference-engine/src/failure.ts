// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, toHttpStatus } from "@bulwark/contracts/errors";
import type { ResultContent } from "@bulwark/queue";

/** An error as the asker may see it. What is foreign says nothing of itself: its text may quote a record. */
export function toFailure(error: unknown): Extract<ResultContent, { kind: "failure" }> {
  if (error instanceof BulwarkError) {
    return { kind: "failure", code: error.code, message: error.message, mend: error.mend };
  }
  return { kind: "failure", code: "BUG", message: "The engine failed.", mend: "look at the engine's log" };
}

/** What to do with a record whose computation failed. */
export type Verdict = "again" | "wait" | "leave" | "answer" | "bury";

/** Codes that say something of the engine's state, not of the record. */
const OF_THE_ENGINE: Readonly<Partial<Record<string, Verdict>>> = {
  // The worker died, perhaps of this record: once more, counted.
  ENGINE_LOST: "again",
  ENGINE_BUSY: "wait",
  MODEL_NOT_READY: "wait",
  // Another engine, or our successor, will find it.
  SERVING_STOPPING: "leave",
  SERVING_CANCELLED: "leave",
  SERVING_DEADLINE: "answer",
};
const FIRST_SERVER_STATUS = 500;

/**
 * Judges a failure. What the asker did wrong is answered; what is our failure, or speaks of a record that somebody else
 * wrote or changed, becomes a dead letter as well, so that somebody can look at it.
 */
export function judge(error: unknown): Verdict {
  const code = error instanceof BulwarkError ? error.code : "BUG";
  const known = OF_THE_ENGINE[code];
  if (known !== undefined) return known;
  return code.startsWith("RECORD_") || toHttpStatus(error) >= FIRST_SERVER_STATUS ? "bury" : "answer";
}
