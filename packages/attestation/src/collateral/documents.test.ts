// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../malformed.ts";
import { codeOf } from "../testing/code-of.ts";
import { simulate } from "../testing/evidence.ts";
import { verifyQuote } from "../verify/verify-quote.ts";
import { parseJsonObject } from "./json.ts";
import { parseCollateral, parseSnpCollateral } from "./parse.ts";

type Json = Record<string, unknown>;

/** The same value with the keys of every object in another order. */
function reorder(value: unknown, isReversed: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => reorder(item, isReversed));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, reorder(item, isReversed)] as const);
  return Object.fromEntries(isReversed ? entries.reverse() : entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const hasEscapedKey = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).some(([key, item]) => JSON.stringify(key).includes("\\") || hasEscapedKey(item));

const run = (adjust: Parameters<typeof simulate>[2]) =>
  codeOf(() => {
    const { evidence, collateral, now, trustedRoots } = simulate("tdx", {}, adjust);
    verifyQuote(evidence, collateral, { now, trustedRoots });
  });

test("the order of keys in signed documents means nothing, nor does white space", () => {
  for (const isReversed of [true, false]) {
    const change = (body: Json) => JSON.stringify(reorder(body, isReversed), null, isReversed ? 2 : 0);
    assert.equal(run({ tcbInfo: change, qeIdentity: change }), "none");
  }
});

test("a key that stands twice is refused, though the signature is right", () => {
  const double = (key: string) => (body: Json) =>
    JSON.stringify(body).replace("{", `{"${key}":${JSON.stringify(body[key])},`);
  assert.equal(run({ tcbInfo: double("fmspc") }), "TCB_INFO_MALFORMED");
  assert.equal(run({ qeIdentity: double("mrsigner") }), "QE_IDENTITY_MALFORMED");
});

test("JSON is read as JSON.parse reads it, unless a key stands twice or is spelled with an escape", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!hasEscapedKey(value));
      assert.deepEqual(parseJsonObject(text), JSON.parse(text));
    }),
  );
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":{"b":1,"c":2,"b":3}}',
    '[{"a":1}]',
    "{}x",
    '{"\\u0061":1}',
    "null",
    "",
    "[",
  ]) {
    assert.throws(() => parseJsonObject(text), Malformed, text);
  }
  assert.throws(() => parseJsonObject(`{"a":${"[".repeat(40)}${"]".repeat(40)}}`), Malformed);
  assert.deepEqual(parseJsonObject('{"a":"a","b":["a","a"],"c":{"a":"b"}}'), { a: "a", b: ["a", "a"], c: { a: "b" } });
});

test("a bundle with an unknown or missing key, or another type, is refused as the caller's", () => {
  const right = simulate("sgx").collateral;
  const change = (overrides: Json) => codeOf(() => parseCollateral(JSON.stringify({ ...right, ...overrides })));
  assert.equal(change({}), "none");
  assert.equal(change({ pckCrl: null }), "none");
  for (const wrong of [
    { tcbinfo: right.tcbInfo },
    { tcbInfo: "text" },
    { tcbInfo: { ...right.tcbInfo, body: { id: "SGX" } } },
    { rootCaCrl: {} },
    { rootCaCrl: undefined },
    { pckChainPem: 1 },
  ]) {
    assert.equal(change(wrong), "COLLATERAL_INVALID", JSON.stringify(wrong));
  }
  for (const text of ["", "[]", "null", "\0"])
    assert.equal(
      codeOf(() => parseCollateral(text)),
      "COLLATERAL_INVALID",
    );
  assert.equal(
    codeOf(() => parseSnpCollateral("{}")),
    "COLLATERAL_INVALID",
  );
});
