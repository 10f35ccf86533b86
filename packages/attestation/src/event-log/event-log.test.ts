// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQuote } from "../quote/parse.ts";
import { codeOf } from "../testing/code-of.ts";
import { findQuoteVector, skipVectors } from "../testing/vectors.ts";
import { measureTd } from "../verify/make-verdict.ts";
import { parseEventLog } from "./parse.ts";
import { checkEventLog, replayEventLog } from "./replay.ts";

const SPEC = Buffer.concat([
  Buffer.from("Spec ID Event03\0"),
  Buffer.alloc(8),
  u32(1),
  u16(12),
  u16(48),
  Buffer.alloc(1),
]);
const HEAD = Buffer.concat([u32(1), u32(3), Buffer.alloc(20), u32(SPEC.length), SPEC]);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A record that measures; the digest is of one repeated byte. */
const record = (index: number, digest: number, data = Buffer.from("data")): Buffer =>
  Buffer.concat([u32(index), u32(13), u32(1), u16(12), Buffer.alloc(48, digest), u32(data.length), data]);

test("the log of a real trust domain replays to the RTMRs of its quote", { skip: skipVectors }, () => {
  const { evidence, expected, read } = findQuoteVector("tdx-v4-event-log");
  const log = parseEventLog(read("eventlog.bin"));
  const { events, endOffset } = expected.eventLog as { events: number; endOffset: number };
  assert.equal(log.events.length, events);
  assert.equal(log.endOffset, endOffset);
  const { body } = parseQuote(evidence);
  assert.ok(body.type !== "sgx-enclave-report");
  checkEventLog(log, measureTd(body));
});

test("another order, a missing or a changed record is noticed", () => {
  const replay = (...records: Buffer[]) => replayEventLog(parseEventLog(Buffer.concat([HEAD, ...records])));
  const right = replay(record(1, 7), record(1, 8), record(2, 9));
  const log = (...records: Buffer[]) => parseEventLog(Buffer.concat([HEAD, ...records]));
  assert.equal(right.rtmr2, "00".repeat(48));
  assert.equal(
    codeOf(() => checkEventLog(log(record(1, 7), record(1, 8), record(2, 9)), right)),
    "none",
  );
  for (const records of [
    [record(1, 8), record(1, 7), record(2, 9)],
    [record(1, 7), record(2, 9)],
    [record(1, 7), record(1, 8), record(2, 10)],
    [record(1, 7), record(1, 8), record(3, 9)],
    [],
  ]) {
    assert.equal(
      codeOf(() => checkEventLog(log(...records), right)),
      "EVENT_LOG_MISMATCH",
    );
  }
});

test("a log that is cut off, or says what cannot be, is malformed", () => {
  const whole = Buffer.concat([HEAD, record(1, 7), record(2, 8)]);
  const ends = new Set([HEAD.length, HEAD.length + record(1, 7).length, whole.length]);
  for (let length = 0; length <= whole.length; length++) {
    const code = codeOf(() => parseEventLog(whole.subarray(0, length)));
    assert.equal(code, ends.has(length) ? "none" : "EVENT_LOG_MALFORMED", `${length} bytes`);
  }
  const twice = Buffer.concat([u32(1), u32(13), u32(2), u16(12), Buffer.alloc(48), u16(12), Buffer.alloc(48), u32(0)]);
  for (const bad of [record(5, 1), twice, Buffer.from("garbage that is no record at all")]) {
    assert.equal(
      codeOf(() => parseEventLog(Buffer.concat([HEAD, bad]))),
      "EVENT_LOG_MALFORMED",
    );
  }
  for (const padding of [0x00, 0xff]) {
    assert.equal(parseEventLog(Buffer.concat([whole, Buffer.alloc(99, padding)])).endOffset, whole.length);
  }
});
