// SPDX-License-Identifier: Apache-2.0
import { Malformed } from "../malformed.ts";

/** Tags that certificates and CRLs are made of (X.690). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag [n], constructed. */
export const contextTag = (number: number): number => 0xa0 | number;

/** One element: its content, and its bytes with tag and length. */
export type DerElement = { tag: number; content: Buffer; bytes: Buffer };

const LONGEST_LENGTH_OCTETS = 4;
const MULTI_BYTE_TAG = 0x1f;

/**
 * Walks the elements of one level, strictly as DER (X.690, section 10): definite lengths in their shortest form, no
 * element beyond its parent. It never descends by itself, so a reader of a structure is as deep as that structure and no
 * nesting in the input can exhaust the stack; elements are views, so nothing is allocated by a claimed length.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The next element's tag; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** Reads the next element, whatever it is. */
  any(): DerElement {
    const bytes = this.#bytes;
    const start = this.#at;
    const tag = bytes[start];
    const first = bytes[start + 1];
    if (tag === undefined || first === undefined) throw new Malformed("an element is missing");
    if ((tag & MULTI_BYTE_TAG) === MULTI_BYTE_TAG) throw new Malformed("a tag is of several bytes");
    let from = start + 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      if (octets === 0 || octets > LONGEST_LENGTH_OCTETS || from + octets > bytes.length) {
        throw new Malformed("a length is indefinite, too large or cut off");
      }
      length = bytes.readUIntBE(from, octets);
      if (length < 0x80 || length < 2 ** (8 * (octets - 1)))
        throw new Malformed("a length is not in its shortest form");
      from += octets;
    }
    if (length > bytes.length - from) throw new Malformed("an element is longer than what holds it");
    this.#at = from + length;
    return { tag, content: bytes.subarray(from, this.#at), bytes: bytes.subarray(start, this.#at) };
  }

  /** Reads the next element, which must have this tag. */
  read(tag: number): DerElement {
    if (this.nextTag !== tag) throw new Malformed(`an element with tag ${tag} is missing`);
    return this.any();
  }

  /** Reads the next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.any() : undefined;
  }

  /** Enters the next element, which must have this tag. */
  enter(tag: number = TAG.sequence): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** Reads elements of this level until none is left. */
  *each(): Generator<DerElement> {
    while (this.nextTag !== undefined) yield this.any();
  }

  /** Nothing may follow. */
  end(): void {
    if (this.nextTag !== undefined) throw new Malformed("bytes follow where none may");
  }
}

/** Reads the one element that these bytes are. */
export function readWhole<T>(bytes: Buffer, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}
