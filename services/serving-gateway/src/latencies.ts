// SPDX-License-Identifier: Apache-2.0

/** Upper bounds in seconds. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Times of one kind of request. */
export type Latency = { observe(seconds: number): void };

/**
 * A histogram in Prometheus' text format. It counts into an array: the general library takes longer for one observation
 * than a small model for its share of a batch.
 */
export function createLatencies(
  name: string,
  help: string,
): {
  of(labels: Readonly<Record<string, string>>): Latency;
  render(): string;
} {
  const series: { labels: string; counts: Float64Array; sum: number }[] = [];
  return {
    of(labels) {
      const text = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      const one = { labels: text.join(","), counts: new Float64Array(BOUNDS.length + 1), sum: 0 };
      series.push(one);
      return {
        observe(seconds) {
          let at = 0;
          while (at < BOUNDS.length && seconds > (BOUNDS[at] ?? 0)) at++;
          one.counts[at] = (one.counts[at] ?? 0) + 1;
          one.sum += seconds;
        },
      };
    },
    render() {
      const lines = series.flatMap(({ labels, counts, sum }) => {
        let total = 0;
        const buckets = Array.from(counts, (count, at) => {
          total += count;
          return `${name}_bucket{${labels},le="${BOUNDS[at] ?? "+Inf"}"} ${total}`;
        });
        return [...buckets, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`];
      });
      return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines, ""].join("\n");
    },
  };
}
