// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Stack } from "../stack.ts";
import { PART_NAMES, PARTS, type PartName } from "./parts.ts";

/** What was found of one part. */
export type PartStatus = {
  part: PartName;
  state: "ready" | "failed" | "absent";
  details?: Readonly<Record<string, string | number>>;
  error?: { code: string; message: string; log: string; mend: string };
};

type Options = {
  /** All of them when absent; then those that the stack does not have are left out. */
  only?: PartName;
  /** For all parts together. */
  timeoutMs: number;
  signal: AbortSignal;
  say: (line: string) => void;
};

const PROBE_MS = 3_000;
const PAUSE_MS = 250;

/** Looks at the parts of a stack, one after the other, until each is ready or the time is up. */
export async function lookAtParts(stack: Stack, { only, timeoutMs, signal, say }: Options): Promise<PartStatus[]> {
  const limit = performance.now() + timeoutMs;
  const found: PartStatus[] = [];
  for (const part of only === undefined ? PART_NAMES : [only]) {
    const { isIn, absent, detecting, subject, log, mend } = PARTS[part];
    if (!isIn(stack)) {
      if (only !== undefined) say(absent);
      found.push({ part, state: "absent" });
      continue;
    }
    say(detecting);
    const outcome = await waitFor(part, stack, { limit, signal });
    if ("details" in outcome) {
      say(`${subject} initialization successful.`);
      found.push({ part, state: "ready", details: outcome.details });
    } else {
      say(`${subject} initialization failed. See ${log(stack)} for details.`);
      const { code, message } = outcome.error;
      found.push({
        part,
        state: "failed",
        error: { code, message, log: log(stack), mend: mend(stack, outcome.error) },
      });
    }
  }
  return found;
}

async function waitFor(
  part: PartName,
  stack: Stack,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<{ details: Readonly<Record<string, string | number>> } | { error: BulwarkError }> {
  for (;;) {
    try {
      return { details: await PARTS[part].probe(stack, PROBE_MS) };
    } catch (error) {
      if (!(error instanceof BulwarkError)) throw error;
      if (performance.now() + PAUSE_MS > limit) return { error };
    }
    await delay(PAUSE_MS, undefined, { signal });
  }
}
