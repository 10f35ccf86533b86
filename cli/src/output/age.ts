// SPDX-License-Identifier: Apache-2.0

const UNITS: readonly [string, number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** Time since an instant in its largest unit, as kubectl shows it: `42s`, `5m`, `3h`, `2d`. */
export function formatAge(since: Date, now: Date): string {
  const elapsedMs = Math.max(0, now.getTime() - since.getTime());
  const [unit, length] = UNITS.find(([, unitMs]) => elapsedMs >= unitMs) ?? ["s", 1_000];
  return `${Math.floor(elapsedMs / length)}${unit}`;
}
