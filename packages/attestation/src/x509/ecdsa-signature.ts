// SPDX-License-Identifier: Apache-2.0
import { TAG } from "../der/reader.ts";

/**
 * Writes an ECDSA signature r || s of at most 48 bytes each as DER (RFC 3279, section 2.2.3). OpenSSL takes DER; leaving
 * the conversion to `node:crypto` makes a verification 1.6 times as long.
 */
export function toDerSignature(signature: Uint8Array): Buffer {
  const half = signature.length >> 1;
  const [r, s] = [countOctets(signature, 0, half), countOctets(signature, half, signature.length)];
  const der = Buffer.allocUnsafe(6 + r + s);
  der[0] = TAG.sequence;
  der[1] = 4 + r + s;
  writeInteger(der, 2, r, signature.subarray(0, half));
  writeInteger(der, 4 + r, s, signature.subarray(half));
  return der;
}

/** Octets of the shortest integer that is not negative. */
function countOctets(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to - 1 && bytes[at] === 0) at++;
  return to - at + ((bytes[at] ?? 0) >= 0x80 ? 1 : 0);
}

function writeInteger(der: Buffer, at: number, octets: number, bytes: Uint8Array): void {
  der[at] = TAG.integer;
  der[at + 1] = octets;
  const digits = Math.min(octets, bytes.length);
  der[at + 2] = 0;
  der.set(bytes.subarray(bytes.length - digits), at + 2 + octets - digits);
}
