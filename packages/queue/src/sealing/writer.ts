// SPDX-License-Identifier: Apache-2.0

const FIRST_BYTES = 1024;

/** Writes numbers (little-endian) and byte strings one after the other into a buffer that grows. */
export type Writer = {
  u8(value: number): void;
  u32(value: number): void;
  /** A whole number up to 2^53. */
  whole(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  end(): Buffer;
};

export function createWriter(): Writer {
  let buffer = Buffer.allocUnsafe(FIRST_BYTES);
  let at = 0;

  const reserve = (count: number): number => {
    if (at + count > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + count));
      buffer.copy(larger, 0, 0, at);
      buffer = larger;
    }
    at += count;
    return at - count;
  };

  const writer: Writer = {
    // The place is reserved first: that may bring another buffer.
    u8(value) {
      const place = reserve(1);
      buffer.writeUInt8(value, place);
    },
    u32(value) {
      const place = reserve(4);
      buffer.writeUInt32LE(value, place);
    },
    whole(value) {
      const place = reserve(8);
      buffer.writeDoubleLE(value, place);
    },
    text(value) {
      const length = Buffer.byteLength(value);
      writer.u32(length);
      const place = reserve(length);
      buffer.write(value, place);
    },
    bytes(value) {
      writer.u32(value.byteLength);
      const place = reserve(value.byteLength);
      buffer.set(value, place);
    },
    end: () => buffer.subarray(0, at),
  };
  return writer;
}
