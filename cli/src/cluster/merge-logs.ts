// SPDX-License-Identifier: Apache-2.0
import type { LogLine } from "@bulwark/kubernetes/api";

/** Lines of several parts as one stream by time. Each part's own order is kept; no more than a line of each is held. */
export async function* mergeByTime(
  sources: readonly { part: string; lines: AsyncIterable<LogLine> }[],
): AsyncGenerator<LogLine & { part: string }> {
  const heads = await Promise.all(
    sources.map(async ({ part, lines }) => {
      const iterator = lines[Symbol.asyncIterator]();
      return { part, iterator, head: await iterator.next() };
    }),
  );
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const candidate of heads) {
      if (candidate.head.done === true) continue;
      if (first === undefined || timeOf(candidate.head.value) < timeOf(first.head.value as LogLine)) first = candidate;
    }
    if (first === undefined) return;
    yield { part: first.part, ...(first.head.value as LogLine) };
    first.head = await first.iterator.next();
  }
}

/** Nodes drop zeros at the end of the nanoseconds, so the text alone does not sort. */
const timeOf = ({ time }: LogLine): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_all, digits = "") => `.${digits.padEnd(9, "0")}Z`);
