// SPDX-License-Identifier: Apache-2.0
import type { Instant } from "../instant.ts";
import { parseInstant } from "../instant.ts";
import { Malformed } from "../malformed.ts";
import { type DerElement, DerReader, TAG } from "./reader.ts";

const LONGEST_OID = 64;

/** An object identifier in dotted form. */
export function toOid({ content }: DerElement): string {
  const last = content.at(-1);
  if (last === undefined || last >= 0x80 || content.length > LONGEST_OID) throw new Malformed("an OID is malformed");
  const arcs: number[] = [];
  let arc = 0;
  let isFirstOctet = true;
  for (const octet of content) {
    if (isFirstOctet && octet === 0x80) throw new Malformed("an OID is not in its shortest form");
    arc = arc * 0x80 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 0x80) throw new Malformed("an OID is too large");
    isFirstOctet = octet < 0x80;
    if (!isFirstOctet) continue;
    arcs.push(...(arcs.length === 0 ? splitFirstArc(arc) : [arc]));
    arc = 0;
  }
  return arcs.join(".");
}

function splitFirstArc(value: number): [number, number] {
  const first = Math.min(Math.floor(value / 40), 2);
  return [first, value - first * 40];
}

/** The two's complement bytes of an integer in its shortest form. */
export function toIntegerBytes({ content }: DerElement): Buffer {
  const [first, second] = content;
  const isPadded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || isPadded) throw new Malformed("an integer is not in its shortest form");
  return content;
}

/** A small number that is not negative. */
export function toSmallNumber(element: DerElement, most: number): number {
  const bytes = toIntegerBytes(element);
  const value = bytes.length <= 4 ? bytes.readIntBE(0, bytes.length) : Number.NaN;
  if (!(value >= 0 && value <= most)) throw new Malformed("a number is out of its range");
  return value;
}

export function toBoolean({ content }: DerElement): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new Malformed("a boolean is malformed");
  return content[0] === 0xff;
}

/** A bit string of whole octets. */
export function toBitStringBytes({ content }: DerElement): Buffer {
  if (content[0] !== 0) throw new Malformed("a bit string is not of whole octets");
  return content.subarray(1);
}

/** Named bits as a number, bit 0 first (X.509 KeyUsage). At most 16. */
export function toNamedBits({ content }: DerElement): number {
  const [unused = 8] = content;
  if (unused > 7 || content.length < 2 || content.length > 3) throw new Malformed("named bits are malformed");
  let bits = 0;
  for (let index = 0; index < (content.length - 1) * 8 - unused; index++) {
    const octet = content[1 + (index >> 3)] ?? 0;
    if ((octet & (0x80 >> (index & 7))) !== 0) bits |= 1 << index;
  }
  return bits;
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** UTCTime or GeneralizedTime in the one form that RFC 5280, section 4.1.2.5, allows. */
export function readTime(reader: DerReader): Instant {
  const { tag, content } = reader.any();
  const text = content.toString("latin1");
  const isUtc = tag === TAG.utcTime;
  if (!isUtc && tag !== TAG.generalizedTime) throw new Malformed("a time is missing");
  const parts = (isUtc ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (parts === null) throw new Malformed("a time is malformed");
  const [, year = "", month, day, hour, minute, second] = parts;
  const century = isUtc ? (Number(year) < 50 ? "20" : "19") : "";
  return toMoment(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** An RFC 3339 date-time; a wrong one is malformed. */
export function toMoment(text: string): Instant {
  try {
    return parseInstant(text);
  } catch (error) {
    throw new Malformed("a date does not exist or is not in UTC", { cause: error });
  }
}

/** The elements of a SEQUENCE OF (or SET OF), in order. */
export function listElements(content: Buffer): DerElement[] {
  return [...new DerReader(content).each()];
}
