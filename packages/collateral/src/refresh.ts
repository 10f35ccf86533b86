// SPDX-License-Identifier: Apache-2.0
import {
  type Collateral,
  formatInstant,
  type Instant,
  inspectCollateral,
  parseInstant,
  toInstant,
} from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type CollateralRequest, type CollateralSource, toFileName } from "./source.ts";

/** What happened to collateral, for the audit. No event holds a secret. */
export type CollateralEvent =
  | { event: "fetched"; request: CollateralRequest; source: string; nextUpdate: string }
  | { event: "refresh failed"; request: CollateralRequest; source: string; error: unknown }
  | { event: "used beyond next update"; request: CollateralRequest; source: string; nextUpdate: string; until: string };

export type RefreshOptions = {
  now: () => Instant;
  /** Gets every event before the collateral is given out. */
  audit: (event: CollateralEvent) => void;
  /** Share of the validity after which new collateral is fetched behind the scenes; default 0.5. */
  refreshAfter?: number;
  /** Days beyond the next update for which the last good collateral is still given out, 0 to 30; default 0. */
  graceDays?: number;
  /** How many requests are remembered; default 64. */
  mostEntries?: number;
};

type Entry = { collateral: Collateral; refreshAt: number; nextUpdate: Instant };

const DAY_MS = 86_400_000;
const MOST_GRACE_DAYS = 30;
const NOTHING_NEWER = new BulwarkError(
  "COLLATERAL_STALE",
  "the source has nothing newer.",
  "fetch collateral again: bulwark attest collateral fetch",
);
/** After a failed refresh, how long the next one waits. */
const PAUSE_MS = 60_000;

/** Next update of a whole set: that of the item which ends first. */
function toEntry(collateral: Collateral, now: Instant, refreshAfter: number): Entry {
  const ends = inspectCollateral(collateral).map(({ validTo }) => parseInstant(validTo));
  const nextUpdate = ends.length === 0 ? now : toInstant(Math.min(...ends));
  return { collateral, nextUpdate, refreshAt: now + Math.max(0, nextUpdate - now) * refreshAfter };
}

/**
 * Keeps what a source gave until it has to be fetched again. While it is still valid, it is given out at once and
 * refreshed behind the scenes; beyond its next update it is fetched first. When that fails, it is given out only within
 * the grace that was configured, and the audit is told each time. One fetch at a time per request.
 *
 * What is given out is not verified, and verification has the last word on validity.
 */
export function createRefreshingSource(source: CollateralSource, options: RefreshOptions): CollateralSource {
  const { now, audit, refreshAfter = 0.5, graceDays = 0, mostEntries = 64 } = options;
  if (!(graceDays >= 0 && graceDays <= MOST_GRACE_DAYS)) {
    const message = `A grace of ${graceDays} days is not from 0 to ${MOST_GRACE_DAYS}.`;
    throw new BulwarkError("COLLATERAL_SOURCE_INVALID", message, "leave it out, or give few days");
  }
  const entries = new Map<string, Entry>();
  const running = new Map<string, Promise<Entry>>();

  function keep(key: string, entry: Entry): void {
    entries.delete(key);
    entries.set(key, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= mostEntries) break;
      entries.delete(oldest);
    }
  }

  /** Leaves the source alone for a while. */
  function postpone(kept: Entry): Entry {
    kept.refreshAt = now() + PAUSE_MS;
    return kept;
  }

  async function load(key: string, request: CollateralRequest, signal: AbortSignal): Promise<Entry> {
    try {
      const entry = toEntry(await source.fetch(request, { signal }), now(), refreshAfter);
      audit({ event: "fetched", request, source: source.name, nextUpdate: formatInstant(entry.nextUpdate) });
      const kept = entries.get(key);
      // A cache on the way may still have the former set; what is kept is not given up for it.
      if (kept !== undefined && entry.nextUpdate < kept.nextUpdate) return postpone(kept);
      keep(key, entry);
      return entry;
    } catch (error) {
      audit({ event: "refresh failed", request, source: source.name, error });
      throw error;
    }
  }

  /** Fetches, unless that is under way already. Independent of who asked, so that one who gives up disturbs nobody. */
  function refresh(key: string, request: CollateralRequest): Promise<Entry> {
    const already = running.get(key);
    if (already !== undefined) return already;
    const started = load(key, request, new AbortController().signal).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  }

  function refreshBehind(key: string, request: CollateralRequest, kept: Entry): void {
    // The audit was told; what is kept stays good until its next update.
    refresh(key, request).catch(() => postpone(kept));
  }

  const endOfGrace = ({ nextUpdate }: Entry): Instant => toInstant(nextUpdate + graceDays * DAY_MS);

  /** Collateral beyond its next update, within its grace. */
  function giveStale(kept: Entry, request: CollateralRequest): Collateral {
    const [nextUpdate, until] = [formatInstant(kept.nextUpdate), formatInstant(endOfGrace(kept))];
    audit({ event: "used beyond next update", request, source: source.name, nextUpdate, until });
    return kept.collateral;
  }

  /** The last good collateral within its grace, or the error. */
  function fallBack(kept: Entry | undefined, request: CollateralRequest, cause: unknown): Collateral {
    if (kept === undefined) throw cause;
    postpone(kept);
    if (now() <= endOfGrace(kept)) return giveStale(kept, request);
    const nextUpdate = formatInstant(kept.nextUpdate);
    throw new BulwarkError(
      "COLLATERAL_STALE",
      `Collateral of ${source.name} was to be renewed by ${nextUpdate}, and that failed: ${(cause as Error).message}`,
      (cause as { mend?: string }).mend ?? "check the source of collateral",
      { cause },
    );
  }

  return {
    name: source.name,
    async fetch(request, { signal }) {
      signal.throwIfAborted();
      const key = toFileName(request);
      const kept = entries.get(key);
      if (kept !== undefined && now() <= kept.nextUpdate) {
        if (now() >= kept.refreshAt) refreshBehind(key, request, kept);
        return kept.collateral;
      }
      // Within the grace nobody waits for a source that failed a moment ago.
      if (kept !== undefined && now() <= endOfGrace(kept) && now() < kept.refreshAt) return giveStale(kept, request);
      let entry: Entry;
      try {
        entry = await waitFor(refresh(key, request), signal);
      } catch (error) {
        signal.throwIfAborted();
        return fallBack(kept, request, error);
      }
      return now() <= entry.nextUpdate ? entry.collateral : fallBack(entry, request, NOTHING_NEWER);
    },
  };
}

/** A promise that also ends when the one who waits gives up. */
function waitFor<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
