// SPDX-License-Identifier: Apache-2.0
import { Malformed, readAs, toBuffer } from "../malformed.ts";

/** One record of a log. Buffers are views. */
export type LogEvent = {
  /** Measurement register: 0 is MRTD, n is RTMR n-1. */
  index: number;
  type: number;
  /** SHA-384; null when the record has none. */
  digest: Buffer | null;
  data: Buffer;
};

/** The event log of a trust domain. */
export type EventLog = {
  /** All but the first record, which describes the log and measures nothing. */
  events: readonly LogEvent[];
  /** Where the records end; what follows is padding. */
  endOffset: number;
};

const SHA1_BYTES = 20;
const SHA384 = 0x000c;
const SHA384_BYTES = 48;
const EV_NO_ACTION = 3;
const SPEC_ID = "Spec ID Event03\0";
const MOST_INDEX = 4;
const MOST_ALGORITHMS = 16;
const LARGEST_DIGEST = 64;
const LARGEST_BYTES = 16 * 1024 * 1024;
const LOG = {
  code: "EVENT_LOG_MALFORMED",
  item: "event log",
  mend: "take the log again from the machine: /sys/firmware/acpi/tables/data/CCEL",
} as const;

/** Takes fields from front to back and refuses to go beyond the end. */
class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw new Malformed("it is cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u16(): number {
    return this.take(2).readUInt16LE(0);
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

/**
 * Parses a CCEL event log: the crypto-agile log of TCG (TCG PC Client Platform Firmware Profile, section 10.2), with
 * registers counted as UEFI does for TDX. Padding of zeros or ones may follow.
 *
 * @throws EVENT_LOG_MALFORMED
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  return readAs(LOG, () => {
    if (bytes.length > LARGEST_BYTES) throw new Malformed("it is larger than any log");
    const cursor = new Cursor(toBuffer(bytes));
    const digestBytes = readFirst(cursor);
    const events: LogEvent[] = [];
    while (!cursor.isAtEnd && !isPadding(cursor)) events.push(readEvent(cursor, digestBytes));
    return { events, endOffset: cursor.at };
  });
}

/** The first record has the older form, and says which digests the others carry. */
function readFirst(cursor: Cursor): ReadonlyMap<number, number> {
  const [, type] = [cursor.u32(), cursor.u32()];
  cursor.take(SHA1_BYTES);
  const data = cursor.take(cursor.u32());
  const spec = new Cursor(data);
  const isSpec = spec.take(SPEC_ID.length).toString("latin1") === SPEC_ID;
  if (type !== EV_NO_ACTION || !isSpec) throw new Malformed("it does not begin with the record that describes it");
  // Platform class (4), version and errata (3), size of a native integer (1).
  spec.take(8);
  const count = spec.u32();
  if (count > MOST_ALGORITHMS) throw new Malformed("it names too many digests");
  const digestBytes = new Map<number, number>();
  for (let number = 0; number < count; number++) {
    const [algorithm, size] = [spec.u16(), spec.u16()];
    if (digestBytes.has(algorithm) || size === 0 || size > LARGEST_DIGEST)
      throw new Malformed("it describes a digest wrongly");
    digestBytes.set(algorithm, size);
  }
  if ((digestBytes.get(SHA384) ?? SHA384_BYTES) !== SHA384_BYTES) throw new Malformed("SHA-384 has another length");
  spec.take(spec.take(1).readUInt8(0));
  if (!spec.isAtEnd) throw new Malformed("its first record is longer than what is in it");
  return digestBytes;
}

function readEvent(cursor: Cursor, digestBytes: ReadonlyMap<number, number>): LogEvent {
  const [index, type, count] = [cursor.u32(), cursor.u32(), cursor.u32()];
  if (index > MOST_INDEX) throw new Malformed(`it measures into register ${index}`);
  if (count > digestBytes.size) throw new Malformed("a record has more digests than the log names");
  let digest: Buffer | null = null;
  for (let number = 0; number < count; number++) {
    const algorithm = cursor.u16();
    const size = digestBytes.get(algorithm);
    if (size === undefined) throw new Malformed("a record has a digest that the log does not name");
    const value = cursor.take(size);
    if (algorithm !== SHA384) continue;
    if (digest !== null) throw new Malformed("a record has a digest twice");
    digest = value;
  }
  return { index, type, digest, data: cursor.take(cursor.u32()) };
}

const NO_RECORD = new Set([0x00, 0xff]);
/** Shortest record: register, type, no digest, no data. */
const SHORTEST_RECORD = 16;

/** Firmware fills the rest of the area with zeros or ones; a record of zeros would say nothing. */
function isPadding({ bytes, at }: Cursor): boolean {
  const [first = 0] = bytes.subarray(at, at + 1);
  const head = bytes.subarray(at, at + SHORTEST_RECORD);
  return (
    NO_RECORD.has(first) && head.every((byte) => byte === first) && bytes.subarray(at).every((byte) => byte === first)
  );
}
