// SPDX-License-Identifier: Apache-2.0
import { timingSafeEqual } from "node:crypto";

/** Whether a digest in hex is one of those wanted: bytes of equal length, compared in constant time, all of them. */
export function isOneOf(hex: string, wanted: readonly Buffer[]): boolean {
  const actual = Buffer.from(hex, "hex");
  let isFound = false;
  for (const digest of wanted) {
    if (digest.length === actual.length && timingSafeEqual(digest, actual)) isFound = true;
  }
  return isFound;
}

export const isZero = (hex: string): boolean => /^0*$/.test(hex);
