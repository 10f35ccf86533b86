// SPDX-License-Identifier: Apache-2.0
import { timingSafeEqual } from "node:crypto";

/** Compares in a time that depends on the lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Compares measurements in hex, whatever their case, by their bytes. What is no hex equals nothing. */
export function equalHex(actual: string, expected: string): boolean {
  const [a, b] = [Buffer.from(actual, "hex"), Buffer.from(expected, "hex")];
  return a.length * 2 === actual.length && b.length * 2 === expected.length && a.length > 0 && equalBytes(a, b);
}

/** Whether bytes under a mask are the wanted ones, which Intel gives already masked. */
export function equalUnderMask(bytes: Uint8Array, mask: Uint8Array, wanted: Uint8Array): boolean {
  const masked = bytes.map((byte, index) => byte & (mask[index] ?? 0));
  return equalBytes(masked, wanted);
}
