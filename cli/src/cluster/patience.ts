// SPDX-License-Identifier: Apache-2.0
import type { JobStatus, PartStatus, Reason } from "@bulwark/kubernetes";

/**
 * How long something that waiting does not mend may stand before a command ends with it: a registry that stumbles once
 * is no wrong image.
 */
const PATIENCE_MS = 15_000;

/** Reasons for which a pod never starts, and how long each may stand; a pod that died is for the Job to judge. */
const LIMITS: Readonly<Partial<Record<Reason["kind"], number>>> = { imageMissing: PATIENCE_MS, imageNameInvalid: 0 };

/**
 * Looks at one status after the other for a pod that will never start; `signal` is aborted when one has stood for too
 * long, with `final` as its reason. Where an executor has run, the others' image is a right one, and the job goes on
 * with those it has.
 */
export function createPatience() {
  const standing = new Map<string, { reason: Reason; timer: NodeJS.Timeout }>();
  const over = new AbortController();
  let hasExecuted = false;
  let final: Reason | undefined;
  const begin = (pod: string, limitMs: number): NodeJS.Timeout =>
    setTimeout(() => {
      final ??= standing.get(pod)?.reason;
      over.abort();
    }, limitMs);
  return {
    signal: over.signal,
    look(status: JobStatus): void {
      const { driver, launcher, executors, counts, progress } = status;
      hasExecuted ||= counts.running > 0 || (progress?.tasks.done ?? 0) > 0;
      const stuck = new Map([launcher, driver, ...(hasExecuted ? [] : executors)].flatMap(toStuck));
      for (const [pod, { timer }] of standing) {
        if (stuck.has(pod)) continue;
        clearTimeout(timer);
        standing.delete(pod);
      }
      for (const [pod, reason] of stuck) {
        const timer = standing.get(pod)?.timer ?? begin(pod, LIMITS[reason.kind] ?? 0);
        standing.set(pod, { reason, timer });
      }
    },
    final: (): Reason | undefined => final,
    end(): void {
      for (const { timer } of standing.values()) clearTimeout(timer);
    },
  };
}

/** A pod that stands at its start, with the reason. */
function toStuck(part: PartStatus | undefined): [string, Reason][] {
  if (part?.state !== "starting" || part.reason === undefined) return [];
  return part.reason.isFinal && part.reason.kind in LIMITS ? [[part.pod, part.reason]] : [];
}
