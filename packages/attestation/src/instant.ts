// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

declare const instant: unique symbol;

/**
 * A checked point in time: whole milliseconds since 1970, between the years 2000 and 9999. Made by `toInstant` or
 * `parseInstant` alone, so that no unchecked number (NaN compares false with everything) decides about expiry.
 */
export type Instant = number & { readonly [instant]: true };

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(10_000, 0, 1) - 1;
const MEND = "pass an instant such as 2025-07-04T10:00:00Z";

/**
 * Checks a point in time.
 *
 * @param value a date, or milliseconds since 1970
 * @throws INSTANT_INVALID for what is no date, not finite or outside the years 2000 to 9999
 */
export function toInstant(value: Date | number): Instant {
  const milliseconds = value instanceof Date ? value.getTime() : value;
  if (typeof milliseconds !== "number" || !(milliseconds >= EARLIEST && milliseconds <= LATEST)) {
    throw new BulwarkError("INSTANT_INVALID", "The instant to verify at is not a usable date.", MEND);
  }
  return Math.trunc(milliseconds) as Instant;
}

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?Z$/;

/**
 * Reads an RFC 3339 date-time in UTC, the one form that collateral uses.
 *
 * @throws INSTANT_INVALID for another form, or a day or hour that does not exist
 */
export function parseInstant(text: string): Instant {
  const [, ...parts] = FORM.exec(text) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(0, 6).map(Number);
  const fraction = Number((parts[6] ?? "").padEnd(3, "0"));
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second, fraction);
  // Date.UTC carries a thirteenth month or a leap second over into the next unit; that is not what was written.
  const date = new Date(milliseconds);
  const isDay = date.getUTCDate() === day && date.getUTCMonth() === month - 1;
  const isReal = isDay && hour < 24 && minute < 60 && second < 60;
  if (parts.length === 0 || !isReal) {
    throw new BulwarkError("INSTANT_INVALID", "A date does not have the form 2025-07-04T10:00:00Z.", MEND);
  }
  return toInstant(milliseconds);
}

/** The instant as RFC 3339 in UTC, to the second. */
export function formatInstant(value: Instant): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(0, 19)}Z`;
}
