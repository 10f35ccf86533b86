// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, ERRORS, type ErrorCode } from "@bulwark/contracts/errors";
import type { Exchange, Reply, Transport } from "./transport.ts";

/** When to stop trying. */
export type Limits = {
  /** Instant of the caller's clock, in ms. */
  deadline: number;
  attempts: number;
  signal?: AbortSignal;
  /** Sent again even when the connection broke, and the server may have had it. */
  isRepeatable: boolean;
};

export type Clock = { now(): number; pause(ms: number, signal?: AbortSignal): Promise<void>; random(): number };

const FIRST_PAUSE_MS = 100;
const RETRIED = new Set([429, 503]);

/**
 * Sends until there is an answer: again after 429 and 503, not before the server's `Retry-After`, and never beyond the
 * deadline. The exchange is made anew each time, for the time that is left.
 *
 * @throws BulwarkError what the server answered with, SERVING_UNREACHABLE, SERVING_DEADLINE, SERVING_CANCELLED
 */
export async function sendUntil(
  { transport, clock }: { transport: Transport; clock: Clock },
  make: (leftMs: number) => Exchange,
  limits: Limits,
): Promise<Reply> {
  for (let attempt = 1; ; attempt++) {
    const leftMs = limits.deadline - clock.now();
    if (leftMs <= 0) throw new BulwarkError("SERVING_DEADLINE", "The time is over.", "allow more time");
    const outcome = await tryOnce(transport, { ...make(leftMs), ...toSignal(limits) });
    if ("reply" in outcome) return outcome.reply;
    const pauseMs = Math.max(outcome.retryAfterMs, FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + clock.random()));
    const mayAgain = outcome.isRefusal || (outcome.isLost && limits.isRepeatable);
    if (!mayAgain || attempt >= limits.attempts || clock.now() + pauseMs >= limits.deadline) throw outcome.error;
    await clock.pause(pauseMs, limits.signal).catch(() => {
      throw new BulwarkError("SERVING_CANCELLED", "The call was given up.", "call again");
    });
  }
}

const toSignal = ({ signal }: Limits) => (signal === undefined ? {} : { signal });

type Outcome = { reply: Reply } | { error: BulwarkError; retryAfterMs: number; isRefusal: boolean; isLost: boolean };

async function tryOnce(transport: Transport, exchange: Exchange): Promise<Outcome> {
  try {
    const reply = await transport.send(exchange);
    if (reply.status >= 200 && reply.status < 300) return { reply };
    const seconds = Number(reply.headers["retry-after"] ?? 0);
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0;
    return { error: toError(reply), retryAfterMs, isRefusal: RETRIED.has(reply.status), isLost: false };
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return { error, retryAfterMs: 0, isRefusal: false, isLost: error.code === "SERVING_UNREACHABLE" };
  }
}

/** The error that a server answered with; of a server that is not ours, its words and a code for its status. */
export function toError({ status, body }: Pick<Reply, "status" | "body">): BulwarkError {
  const { error = `The server answered ${status}`, code = "", mend = "look at its log" } = readProblem(body);
  if (Object.hasOwn(ERRORS, code)) return new BulwarkError(code as ErrorCode, error, mend);
  return new BulwarkError(FOREIGN[status] ?? (status < 500 ? "SERVING_REQUEST" : "SERVING_UNREACHABLE"), error, mend);
}

const FOREIGN: Readonly<Record<number, ErrorCode>> = {
  401: "SERVING_UNAUTHENTICATED",
  404: "SERVING_ROUTE",
  429: "SERVING_LIMIT",
  503: "ENGINE_BUSY",
  504: "SERVING_DEADLINE",
};

function readProblem(body: Buffer): Partial<Record<"error" | "code" | "mend", string>> {
  try {
    const value: unknown = JSON.parse(String(body));
    if (typeof value !== "object" || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === "string"));
  } catch {
    return {};
  }
}
