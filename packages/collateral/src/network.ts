// SPDX-License-Identifier: Apache-2.0

/** An answer to a GET. Names of headers are in small letters. */
export type HttpAnswer = { status: number; headers: Readonly<Record<string, string | undefined>>; body: Uint8Array };

/** What a source may use of the world outside. */
export type Network = {
  /**
   * One GET over HTTPS that follows no redirect. Rejects when no answer came, when it is larger than `mostBytes`, and with
   * the reason of `signal`.
   */
  get(
    url: string,
    options: { headers: Readonly<Record<string, string>>; signal: AbortSignal; mostBytes: number },
  ): Promise<HttpAnswer>;
  /** Resolves after a while; rejects with the reason of `signal`. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Aborts after a while. */
  timeout(milliseconds: number): AbortSignal;
  /** From 0 to below 1. */
  random(): number;
};

/** How patient a source is. */
export type Patience = {
  /** Longest time for one answer, milliseconds. */
  timeoutMs: number;
  /** How often to ask at most. */
  attempts: number;
  /** Pause before the second attempt, milliseconds; it doubles, and half of it is left to chance. */
  pauseMs: number;
};

export const PATIENCE: Patience = { timeoutMs: 10_000, attempts: 4, pauseMs: 250 };

const LONGEST_PAUSE_MS = 8_000;
/** Larger than any collateral that exists. */
const MOST_BYTES = 4 * 1024 ** 2;
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Pause before an attempt: doubled each time, between a half and the whole of it, or what the service asked for. */
function choosePause(attempt: number, patience: Patience, network: Network, retryAfter: string | undefined): number {
  const asked = /^\d{1,3}$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : 0;
  const grown = patience.pauseMs * 2 ** attempt;
  return Math.min(Math.max(asked, grown * (0.5 + network.random() / 2)), LONGEST_PAUSE_MS);
}

/**
 * Asks until there is an answer that waiting would not change.
 *
 * @throws what the last attempt threw, when no answer came at all
 */
export async function getPatiently(
  url: string,
  headers: Readonly<Record<string, string>>,
  { network, patience, signal }: { network: Network; patience: Patience; signal: AbortSignal },
): Promise<HttpAnswer> {
  for (let attempt = 0; ; attempt += 1) {
    const isLast = attempt + 1 >= patience.attempts;
    let retryAfter: string | undefined;
    try {
      const limited = AbortSignal.any([signal, network.timeout(patience.timeoutMs)]);
      const answer = await network.get(url, { headers, signal: limited, mostBytes: MOST_BYTES });
      if (isLast || !TRANSIENT.has(answer.status)) return answer;
      retryAfter = answer.headers["retry-after"];
    } catch (error) {
      signal.throwIfAborted();
      if (isLast) throw error;
    }
    await network.delay(choosePause(attempt, patience, network, retryAfter), signal);
  }
}
