// SPDX-License-Identifier: Apache-2.0
// Writes DER (ITU-T X.690), as much of it as certificates and revocation lists need.

/** One element: tag, length in the shortest form, content. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = trimZeros(Buffer.from(length.toString(16).padStart(8, "0"), "hex"));
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

const trimZeros = (bytes: Buffer): Buffer => {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.subarray(-1) : bytes.subarray(first);
};

export const sequence = (...items: readonly Uint8Array[]): Buffer => element(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => element(0x31, ...items);
export const octets = (bytes: Uint8Array): Buffer => element(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), bytes);
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
export const enumerated = (value: number): Buffer => element(0x0a, Buffer.from([value]));
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));
/** `[number] EXPLICIT`. */
export const explicit = (number: number, ...items: readonly Uint8Array[]): Buffer => element(0xa0 | number, ...items);

/** A whole number that is not negative; bytes are taken as such a number, high byte first. */
export function integer(value: number | Uint8Array): Buffer {
  const hex = typeof value === "number" ? value.toString(16) : Buffer.from(value).toString("hex");
  const bytes = trimZeros(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
  return element(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(encodeArc)]));
}

function encodeArc(arc: number): number[] {
  const digits = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
  return digits;
}

/** UTCTime until 2049, GeneralizedTime after it (RFC 5280, section 4.1.2.5); whole seconds. */
export function time(instant: Date): Buffer {
  const digits = instant.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return instant.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
}
