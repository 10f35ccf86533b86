// SPDX-License-Identifier: Apache-2.0

/** What can be set of a model that changes how fast it is. */
export type Candidate = { instances: number; threads: number; maxRows: number };

/** One candidate under load. */
export type Measurement = Candidate & {
  rowsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Rows that shared a run, on average. */
  rowsPerRun: number;
};

const ROWS = [1, 4, 8, 16, 32, 64];
/** What is faster by less than this is not worth more copies of the model, threads or rows. */
const WORTH = 1.05;

/** Every way to share the cores between copies of the model and threads within a run, each with every size of a batch. */
export function listCandidates(cores: number): Candidate[] {
  const splits: Omit<Candidate, "maxRows">[] = [];
  for (let instances = 1; instances <= cores; instances *= 2) {
    for (let threads = 1; instances * threads <= cores; threads *= 2) splits.push({ instances, threads });
  }
  return splits.flatMap((split) => ROWS.map((maxRows) => ({ ...split, maxRows })));
}

/**
 * The fastest whose p99 is within the limit; of those nearly as fast, the one that takes least. Without any within the limit, the one
 * with the lowest p99. Undefined for no measurements.
 */
export function choose(measured: readonly Measurement[], p99Ms: number): Measurement | undefined {
  const within = measured.filter((one) => one.p99Ms <= p99Ms);
  if (within.length === 0) return measured.toSorted((a, b) => a.p99Ms - b.p99Ms)[0];
  const fastest = Math.max(...within.map(({ rowsPerSecond }) => rowsPerSecond));
  return within
    .filter(({ rowsPerSecond }) => rowsPerSecond * WORTH >= fastest)
    .sort((a, b) => a.instances - b.instances || a.threads - b.threads || a.maxRows - b.maxRows)[0];
}
