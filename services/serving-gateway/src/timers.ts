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

/**
 * What is timed, by the older server's names, its spelling kept. `inference` and `pure.predict` are there for each version
 * of a model: the whole way to its engine and back, and its run alone.
 */
export type TimerName =
  | "request.overall"
  | "request.predict"
  | "request.metrics"
  | "retrive.servable"
  | "retrive.servables"
  | "backend.inference"
  | "redis.put"
  | "redis.get"
  | "redis.wait"
  | "activity.make"
  | "response.handling"
  | `inference.${string}`
  | `pure.predict.${string}`;

export type Timers = {
  record(name: TimerName, ms: number): void;
  /** Runs something and records how long it took, also where it fails. Throws what it throws. */
  time<Result>(name: TimerName, run: () => Result): Result;
  report(): TimerReport[];
};

const toName = (name: string): string => (name.startsWith("pure.") ? `bigdl.${name}` : `bigdl.serving.${name}`);

type Timer = { count: number; since: number; values: Float64Array };

export function createTimers(now: () => number): Timers {
  const timers = new Map<string, Timer>();
  const record = (name: TimerName, ms: number): void => {
    let timer = timers.get(name);
    if (timer === undefined) {
      timer = { count: 0, since: now(), values: new Float64Array(KEPT) };
      timers.set(name, timer);
    }
    timer.values[timer.count++ % KEPT] = ms;
  };
  return {
    record,
    time(name, run) {
      const startedAt = now();
      const end = (): void => record(name, now() - startedAt);
      let isLater = false;
      try {
        const result = run();
        isLater = result instanceof Promise;
        if (result instanceof Promise) void result.then(end, end);
        return result;
      } finally {
        if (!isLater) end();
      }
    },
    report: () => [...timers].map(([name, timer]) => toReport(toName(name), timer, now())),
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
