// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode, toHttpStatus } from "@bulwark/contracts/errors";
import type { RetryAfter } from "./retry-after.ts";

/** An error as an answer: status, code, and seconds after which trying again makes sense. */
export type Problem = { status: number; code: ErrorCode; message: string; mend: string; retryAfter?: number };

const RETRIED = new Set([429, 503]);

/** Any error as a problem; what is not ours is a bug of ours, and says nothing of itself. */
export function toProblem(error: unknown, retryAfter?: Pick<RetryAfter, "secondsFor">): Problem {
  if (error instanceof BulwarkError) {
    const status = toHttpStatus(error);
    const { code, message, mend } = error;
    return {
      status,
      code,
      message,
      mend,
      ...(retryAfter !== undefined && RETRIED.has(status) ? { retryAfter: retryAfter.secondsFor(error) } : {}),
    };
  }
  return { status: 500, code: "BUG", message: "The server met an unexpected state", mend: "look into its log" };
}

/** The body of the Open Inference Protocol's errors; it demands `error` alone. */
export function toOipError({ code, message, mend }: Problem): string {
  return JSON.stringify({ error: message, code, mend });
}
