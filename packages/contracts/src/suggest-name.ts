// SPDX-License-Identifier: Apache-2.0

/** Share of a name that may differ and still be the same name misspelt. */
const TOLERANCE = 0.4;

/** Next row of the edit distance table: what the first `row` letters of `from` cost against each beginning of `to`. */
function nextRow(
  from: string,
  to: string,
  row: number,
  last: readonly number[],
  beforeLast: readonly number[],
): number[] {
  const current = [row];
  for (let column = 1; column <= to.length; column += 1) {
    const cost = (cells: readonly number[], at: number): number => cells[at] ?? Number.POSITIVE_INFINITY;
    const same = from[row - 1] === to[column - 1];
    const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
    current[column] = Math.min(
      cost(last, column) + 1,
      cost(current, column - 1) + 1,
      cost(last, column - 1) + (same ? 0 : 1),
      swapped ? cost(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
    );
  }
  return current;
}

/** Edit distance in which swapping two neighbours counts once (optimal string alignment); infinite beyond `limit`. */
function countEdits(from: string, to: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = nextRow(from, to, row, last, beforeLast);
    if (Math.min(...current) > limit) return Number.POSITIVE_INFINITY;
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}

/** Letters and digits only, small: how a name sounds whatever its dots, dashes and capitals. */
const toPlainName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/**
 * The candidate nearest to a name that is not known, or undefined where none is near enough to be meant.
 * Capitals, dots and dashes do not count, so `executorMemory` finds `executor.memory`.
 */
export function suggestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = toPlainName(name);
  // A name of this length is not a slip of the pen, and comparing it would only cost time.
  if (wanted === "" || wanted.length > 100) {
    return undefined;
  }
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    const limit = Math.floor(Math.min(wanted.length, toPlainName(candidate).length) * TOLERANCE);
    const edits = countEdits(wanted, toPlainName(candidate), limit);
    if (edits <= limit && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, edits };
    }
  }
  return best?.candidate;
}
