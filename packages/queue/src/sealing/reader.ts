// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** Reads what a `Writer` wrote. Every step throws RECORD_MALFORMED when there are not as many bytes. */
export type Reader = {
  u8(): number;
  u32(): number;
  whole(): number;
  text(): string;
  /** A view of the bytes read, no copy. */
  bytes(): Buffer;
  /** Throws RECORD_MALFORMED unless everything was read. */
  end(): void;
};

export function openReader(buffer: Buffer): Reader {
  let at = 0;

  const step = (count: number): number => {
    if (count > buffer.length - at) throw malformed("ends too early");
    at += count;
    return at - count;
  };

  const reader: Reader = {
    u8: () => buffer.readUInt8(step(1)),
    u32: () => buffer.readUInt32LE(step(4)),
    whole() {
      const value = buffer.readDoubleLE(step(8));
      if (Number.isSafeInteger(value) && value >= 0) return value;
      throw malformed("has a number that is no count");
    },
    text: () => reader.bytes().toString(),
    bytes() {
      const length = reader.u32();
      const from = step(length);
      return buffer.subarray(from, from + length);
    },
    end() {
      if (at !== buffer.length) throw malformed("is longer than it says");
    },
  };
  return reader;
}

const malformed = (what: string): BulwarkError =>
  new BulwarkError("RECORD_MALFORMED", `The content of a record ${what}.`, "look who else writes to the stream");
