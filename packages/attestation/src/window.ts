// SPDX-License-Identifier: Apache-2.0
import { formatInstant, type Instant } from "./instant.ts";

/** A validity: both ends belong to it. */
export type Window = { from: Instant; to: Instant };

/** What all windows have in common; `from` after `to` when that is nothing. */
export function intersect(windows: readonly Window[]): Window {
  let [first, last] = [0, Number.MAX_SAFE_INTEGER];
  for (const { from, to } of windows) {
    if (from > first) first = from;
    if (to < last) last = to;
  }
  return { from: first as Instant, to: last as Instant };
}

const texts = new WeakMap<Window, { from: string; to: string }>();

/** A window as text. Written once per window: what is verified again and again has windows that stay. */
export function formatWindow(window: Window): { from: string; to: string } {
  let text = texts.get(window);
  if (text === undefined) {
    text = { from: formatInstant(window.from), to: formatInstant(window.to) };
    texts.set(window, text);
  }
  return text;
}
