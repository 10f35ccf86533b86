// SPDX-License-Identifier: Apache-2.0
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Digits that an int32 always holds. */
const HALF = 9;
/** Digits whose double is exact. */
const EXACT = 15;
/** Digits kept at all; what is cut off is below the doubt. */
const KEPT = 18;
const LOW_BITS = 0x1fffffff;
const MIDPOINT = 0x10000000;
/** Last places of a double by which the quick way may be off, with a wide margin. */
const DOUBT = 64;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

/**
 * Reads the numbers of a flat JSON array, without its brackets, straight into single-precision floats: the values that
 * `JSON.parse` and a `Float32Array` would give, bit for bit, in about two thirds of the time (bench/README.md).
 *
 * A decimal of up to 15 digits and a power of ten of up to 22 are both exact doubles, so their quotient is rounded once
 * (Clinger 1990). Up to 18 digits it is off by a few last places, which single precision does not see unless the value
 * lies next to the middle between two floats; those few, and everything rare, are read by `Number`.
 *
 * @returns how many were read; -1 when something else than numbers stands there, or more than `out` holds
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one loop over bytes; calls in it cost a third of the speed
export function scanFloats(bytes: Buffer, from: number, to: number, out: Float32Array): number {
  let count = 0;
  let at = from;
  for (;;) {
    let byte = bytes[at] ?? 0;
    while (isSpace(byte)) byte = bytes[++at] ?? 0;
    const start = at;
    const isNegative = byte === 45;
    if (isNegative) byte = bytes[++at] ?? 0;
    let high = 0;
    let low = 0;
    let digits = 0;
    let scale = 0;
    if (!isDigit(byte)) return -1;
    if (byte === 48) {
      byte = bytes[++at] ?? 0;
      // JSON has no leading zeros.
      if (isDigit(byte)) return -1;
    }
    while (isDigit(byte)) {
      if (digits < HALF) high = (high * 10 + byte - 48) | 0;
      else if (digits < KEPT) low = (low * 10 + byte - 48) | 0;
      digits++;
      byte = bytes[++at] ?? 0;
    }
    if (byte === 46) {
      const point = ++at;
      byte = bytes[at] ?? 0;
      if (!isDigit(byte)) return -1;
      if (digits === 0) while (byte === 48) byte = bytes[++at] ?? 0;
      while (isDigit(byte)) {
        if (digits < HALF) high = (high * 10 + byte - 48) | 0;
        else if (digits < KEPT) low = (low * 10 + byte - 48) | 0;
        digits++;
        byte = bytes[++at] ?? 0;
      }
      scale = at - point;
    }
    let value: number;
    if (byte === 101 || byte === 69 || digits > KEPT || scale > 22) {
      while (byte === 43 || byte === 45 || byte === 46 || byte === 101 || byte === 69 || isDigit(byte)) {
        byte = bytes[++at] ?? 0;
      }
      value = readSlowly(bytes, start, at);
      if (Number.isNaN(value)) return -1;
    } else {
      const whole = digits <= HALF ? high : high * (POWERS[digits - HALF] ?? 1) + low;
      value = scale === 0 ? whole : whole / (POWERS[scale] ?? 1);
      if (digits > EXACT) {
        double[0] = value;
        const distance = ((words[0] ?? 0) & LOW_BITS) - MIDPOINT;
        // Below the smallest normal float the middle lies elsewhere.
        if ((distance < DOUBT && distance > -DOUBT) || value < 1e-37) value = Math.abs(readSlowly(bytes, start, at));
      }
      if (isNegative) value = -value;
    }
    if (count === out.length) return -1;
    const single = Math.fround(value);
    // Too large for single precision: the careful way says so.
    if (single === Number.POSITIVE_INFINITY || single === Number.NEGATIVE_INFINITY) return -1;
    out[count++] = single;
    while (isSpace(byte)) byte = bytes[++at] ?? 0;
    if (at >= to) return at === to ? count : -1;
    if (byte !== 44) return -1;
    at++;
  }
}

/** What JSON says of a number's form is stricter than what `Number` takes. */
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function readSlowly(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString("latin1", start, end);
  return JSON_NUMBER.test(text) ? Number(text) : Number.NaN;
}
