// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

/** Resident memory of a process, in MiB: when half of the work was done (a heap grows to its usual size first), at the end, and at its most. */
export type Rss = { first: number; last: number; most: number };

/** Looks at a process now and then; `share` is how much of the work is done. */
export function watchRss(pid: number): { look(share: number): void; rss: Readonly<Rss> } {
  const rss: Rss = { first: 0, last: 0, most: 0 };
  return {
    rss,
    look(share) {
      rss.last = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
      if (share <= 0.5 || rss.first === 0) rss.first = rss.last;
      rss.most = Math.max(rss.most, rss.last);
    },
  };
}
