// SPDX-License-Identifier: Apache-2.0

import { DURATION_PATTERN, SIZE_PATTERN } from "../document/forms.ts";
import { BulwarkError } from "../errors/index.ts";

const BYTES: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function scale(text: string, pattern: string, units: Readonly<Record<string, number>>, kind: string): number {
  const unit = text.replace(/^[0-9]+/, "").toLowerCase();
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (!new RegExp(pattern).test(text) || factor === undefined) {
    throw new BulwarkError(
      "JOB_TYPE_WRONG",
      `${JSON.stringify(text)} is not a ${kind}`,
      `Write a whole number and one of ${Object.keys(units).join(", ")}`,
    );
  }
  return Number.parseInt(text, 10) * factor;
}

/** Bytes of a size such as `2g`, in powers of 1024 as Spark counts. Throws JOB_TYPE_WRONG. */
export function parseSizeBytes(text: string): number {
  return scale(text, SIZE_PATTERN, BYTES, "size");
}

/** Milliseconds of a duration such as `90s`. Throws JOB_TYPE_WRONG. */
export function parseDurationMs(text: string): number {
  return scale(text, DURATION_PATTERN, MILLISECONDS, "duration");
}
