// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../malformed.ts";
import { encode } from "../testing/der.ts";
import { DerReader, readWhole, TAG } from "./reader.ts";
import { readTime, toBoolean, toNamedBits, toOid, toSmallNumber } from "./values.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const read = (text: string) => readWhole(hex(text), (reader) => reader.any());

test("what is encoded is what is read, of any length", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(TAG)), fc.uint8Array({ maxLength: 600 }), (tag, content) => {
      const bytes = encode(tag, content);
      const element = readWhole(bytes, (reader) => reader.read(tag));
      assert.deepEqual(element.content, Buffer.from(content));
      assert.deepEqual(element.bytes, bytes);
      assert.throws(() => readWhole(Buffer.concat([bytes, hex("00")]), (reader) => reader.read(tag)), Malformed);
      for (let cut = 0; cut < bytes.length; cut++) {
        assert.throws(() => readWhole(bytes.subarray(0, cut), (reader) => reader.read(tag)), Malformed);
      }
    }),
  );
});

for (const [name, bytes] of Object.entries({
  "an indefinite length": "30800000",
  "a length of one octet in two": `04817f${"00".repeat(127)}`,
  "a length with a leading zero": `04820080${"00".repeat(128)}`,
  "a length of five octets": "0485000000000100",
  "a length beyond the end": "0484ffffffff00",
  "a tag of several bytes": "1f8101 00",
})) {
  test(`${name} is malformed`, () => {
    assert.throws(() => read(bytes.replaceAll(" ", "")), Malformed);
  });
}

test("nesting without end is read level by level and no deeper", () => {
  let bytes: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 10_000; depth++) bytes = encode(TAG.sequence, bytes.subarray(0, 60_000));
  assert.equal(new DerReader(bytes).any().tag, TAG.sequence);
});

test("object identifiers are read as others write them", () => {
  const oid = (text: string) => toOid(read(text));
  assert.equal(oid("06082a8648ce3d030107"), "1.2.840.10045.3.1.7");
  assert.equal(oid("0603883703"), "2.999.3");
  for (const wrong of [
    "0600",
    "060180",
    "06028001",
    "06022a80",
    `0641${"01".repeat(65)}`,
    "060a2affffffffffffffff7f",
  ]) {
    assert.throws(() => oid(wrong), Malformed, wrong);
  }
});

test("numbers, booleans, bits and times have one form", () => {
  assert.equal(toSmallNumber(read("02020080"), 255), 128);
  for (const wrong of ["0200", "020180", "02020001", "0202ff80", "02050100000000"]) {
    assert.throws(() => toSmallNumber(read(wrong), 255), Malformed, wrong);
  }
  assert.equal(toBoolean(read("0101ff")), true);
  assert.throws(() => toBoolean(read("010101")), Malformed);
  assert.equal(toNamedBits(read("03020106")), 0b110_0000);
  for (const wrong of ["030100", "03020806", "0304000000ff"]) assert.throws(() => toNamedBits(read(wrong)), Malformed);
  const time = (tag: number, text: string) => readTime(new DerReader(encode(tag, Buffer.from(text))));
  assert.equal(time(TAG.utcTime, "260301120000Z"), Date.parse("2026-03-01T12:00:00Z"));
  assert.equal(time(TAG.generalizedTime, "20491231235959Z"), Date.parse("2049-12-31T23:59:59Z"));
  for (const wrong of ["260230120000Z", "2603011200Z", "260301120000+0100", "260301120000.5Z", "490101000000"]) {
    assert.throws(() => time(TAG.utcTime, wrong), Malformed, wrong);
  }
});
