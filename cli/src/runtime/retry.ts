// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { HttpStatusError } from "./network.ts";

/** How often to try again, and how long to wait before: the pause doubles from `pauseMs` up to `pauseLimitMs`. */
export type Patience = { attempts: number; pauseMs: number; pauseLimitMs: number };

/**
 * Tries until it works, until `attempts` tries in a row brought nothing, or until trying again cannot help.
 *
 * @param attempt one try; calls `advance` when it got somewhere, which starts the count anew
 * @throws the last error
 */
export async function retry<T>(
  patience: Patience,
  signal: AbortSignal,
  attempt: (advance: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  while (true) {
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      failures += 1;
      if (signal.aborted || !isWorthRetrying(error) || failures >= patience.attempts) throw error;
      const limit = Math.min(patience.pauseLimitMs, patience.pauseMs * 2 ** (failures - 1));
      // Jitter, so that many machines that failed together do not come back together.
      await pause(limit / 2 + (Math.random() * limit) / 2, undefined, { signal });
    }
  }
}

/** File-system errors stay what they are, and so does a plain no from the server. */
function isWorthRetrying(error: unknown): boolean {
  if (error instanceof HttpStatusError) return error.isTransient;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const local = ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EISDIR", "ENOTDIR"];
  return !local.includes(code) && (error as Error).name !== "BulwarkError";
}
