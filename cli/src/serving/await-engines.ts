// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { askGateway, listReady, type ReadyModel } from "./gateway-client.ts";
import type { Stack } from "./stack.ts";

const LIMIT_MS = 60_000;
const PAUSE_MS = 200;
const ASK_MS = 2_000;

/**
 * Waits until engines behind the queue have told the gateway what they serve. Resolves with what is ready; with nothing when
 * the time is over, the gateway has gone, or nobody wants to wait any more. Requests need not wait for it.
 */
export async function awaitEngines(
  stack: Stack,
  { signal, limitMs = LIMIT_MS }: { signal: AbortSignal; limitMs?: number },
): Promise<readonly ReadyModel[]> {
  const limit = performance.now() + limitMs;
  while (performance.now() < limit && !signal.aborted) {
    const { status } = await askGateway(stack, { path: "/v2/health/ready", timeoutMs: ASK_MS }).catch(() => GONE);
    if (status === GONE.status) return [];
    if (status === 200) return listReady(stack, ASK_MS).catch(() => []);
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
  return [];
}

const GONE = { status: 0 };
