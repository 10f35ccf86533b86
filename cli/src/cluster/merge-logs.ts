// SPDX-License-Identifier: Apache-2.0
import type { LogLine } from "@bulwark/kubernetes/api";

/** A line of a log and what it is of: `driver`, `executor 1`. */
export type PartLine = LogLine & { part: string };

/** Lines of several sources as one stream by time. Each keeps its own order; no more than a line of each is held. */
export async function* mergeByTime(sources: readonly AsyncIterable<PartLine>[]): AsyncGenerator<PartLine> {
  const iterators = sources.map((lines) => lines[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(async (iterator) => ({ iterator, head: await iterator.next() })));
    for (;;) {
      let first: (typeof heads)[number] | undefined;
      for (const candidate of heads) {
        if (candidate.head.done === true) continue;
        if (first === undefined || timeOf(candidate.head.value) < timeOf(first.head.value)) first = candidate;
      }
      if (first === undefined) return;
      yield first.head.value;
      first.head = await first.iterator.next();
    }
  } finally {
    // One may hold a pod for its reading.
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
  }
}

/** Nodes drop zeros at the end of the nanoseconds, so the text alone does not sort. */
const timeOf = ({ time }: LogLine): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_all, digits = "") => `.${digits.padEnd(9, "0")}Z`);
