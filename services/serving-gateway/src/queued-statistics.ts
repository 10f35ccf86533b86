// SPDX-License-Identifier: Apache-2.0
import type { Inference, VersionStatistics } from "@bulwark/inference";

/** Counts of requests that this process sent through the queue, in the form in which an engine here counts its own. */
export type QueuedStatistics = {
  /**
   * Counts a request from now to its end.
   *
   * @param asked the version that it goes to; undefined where no engine has said what there is
   */
  count(asked: { model: string; version: string } | undefined, ask: () => Promise<Inference>): Promise<Inference>;
  read(model?: string, version?: string): readonly VersionStatistics[];
};

type Sums = { -readonly [Key in keyof VersionStatistics]: VersionStatistics[Key] };

/** An engine that tells nothing of its runs. */
const UNTOLD = { computeUs: 0, rows: 0, requests: Number.POSITIVE_INFINITY };

/**
 * What engines tell of their runs comes with each answer, so that every gateway counts its own requests alone, and the sum
 * over gateways is right: of a run that several requests shared, each counts for its part. All that is no run is waiting.
 */
export function createQueuedStatistics(now: () => number): QueuedStatistics {
  const versions = new Map<string, Sums>();
  const sumsOf = ({ model, version }: { model: string; version: string }): Sums => {
    const key = `${version} ${model}`;
    const known = versions.get(key);
    if (known !== undefined) return known;
    const sums: Sums = {
      ...{ model, version, lastInference: 0, requests: 0, failures: 0, rows: 0, executions: 0, pending: 0 },
      ...{ totalUs: 0, queueUs: 0, computeUs: 0 },
    };
    versions.set(key, sums);
    return sums;
  };

  const add = ({ model, version, run = UNTOLD }: Inference, startedAt: number): void => {
    const sums = sumsOf({ model, version });
    sums.lastInference = now();
    const totalUs = Math.round((sums.lastInference - startedAt) * 1000);
    sums.requests++;
    sums.rows += run.rows;
    sums.executions += 1 / run.requests;
    sums.totalUs += totalUs;
    sums.queueUs += Math.max(0, totalUs - run.computeUs);
    sums.computeUs += run.computeUs;
  };

  return {
    async count(asked, ask) {
      const begun = asked && sumsOf(asked);
      const startedAt = now();
      if (begun !== undefined) begun.pending++;
      try {
        const inference = await ask();
        add(inference, startedAt);
        return inference;
      } catch (error) {
        if (begun !== undefined) begun.failures++;
        throw error;
      } finally {
        if (begun !== undefined) begun.pending--;
      }
    },
    read: (model, version) =>
      [...versions.values()].filter(
        (one) => (model ?? one.model) === one.model && (version ?? one.version) === one.version,
      ),
  };
}

/** Statistics of one version from several places as one. */
export function addStatistics(all: readonly VersionStatistics[]): VersionStatistics[] {
  return [...Map.groupBy(all, ({ model, version }) => `${version} ${model}`).values()].map((parts) =>
    parts.reduce((sum, part) => ({
      ...{ model: sum.model, version: sum.version },
      lastInference: Math.max(sum.lastInference, part.lastInference),
      requests: sum.requests + part.requests,
      failures: sum.failures + part.failures,
      rows: sum.rows + part.rows,
      executions: sum.executions + part.executions,
      totalUs: sum.totalUs + part.totalUs,
      queueUs: sum.queueUs + part.queueUs,
      computeUs: sum.computeUs + part.computeUs,
      pending: sum.pending + part.pending,
    })),
  );
}
