// SPDX-License-Identifier: Apache-2.0

/** One timer as the older server's `/metrics` shows it: times in milliseconds, the rate per second. */
export type TimerReport = { name: string; count: number } & Record<
  | "meanRate"
  | "min"
  | "max"
  | "mean"
  | "median"
  | "stdDev"
  | "_75thPercentile"
  | "_95thPercentile"
  | "_98thPercentile"
  | "_99thPercentile"
  | "_999thPercentile",
  number
>;

/** The last values of each timer; older ones are overwritten. */
const KEPT = 1024;
const PREFIX = "bigdl.serving.";

type Timer = { count: number; since: number; values: Float64Array };

export function createTimers(now: () => number): { record(name: string, ms: number): void; report(): TimerReport[] } {
  const timers = new Map<string, Timer>();
  return {
    record(name, ms) {
      let timer = timers.get(name);
      if (timer === undefined) {
        timer = { count: 0, since: now(), values: new Float64Array(KEPT) };
        timers.set(name, timer);
      }
      timer.values[timer.count++ % KEPT] = ms;
    },
    report: () => [...timers].map(([name, timer]) => toReport(PREFIX + name, timer, now())),
  };
}

function toReport(name: string, { count, since, values }: Timer, at: number): TimerReport {
  const sorted = values.slice(0, Math.min(count, KEPT)).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length;
  const quantile = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return {
    name,
    count,
    meanRate: count / Math.max(0.001, (at - since) / 1000),
    min: Math.floor(sorted[0] ?? 0),
    max: Math.floor(sorted.at(-1) ?? 0),
    mean,
    median: quantile(0.5),
    stdDev: Math.sqrt(variance),
    _75thPercentile: quantile(0.75),
    _95thPercentile: quantile(0.95),
    _98thPercentile: quantile(0.98),
    _99thPercentile: quantile(0.99),
    _999thPercentile: quantile(0.999),
  };
}
