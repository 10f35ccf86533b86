// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf } from "../testing/code-of.ts";
import { FORMS, simulate } from "../testing/evidence.ts";
import { quoteVectors, skipVectors } from "../testing/vectors.ts";
import { type QuoteParts, writeQuote } from "../testing/write-quote.ts";
import { parseQuote } from "./parse.ts";
import { INTEL_QE_VENDOR_ID, SIMULATION_QE_VENDOR_ID } from "./quote.ts";

/** Objects as literals make them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true });
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const upTo = (length: number) => fc.uint8Array({ maxLength: length }).map((array) => Buffer.from(array));
const word = fc.nat(0xffff);

const sgxBody = record({
  type: fc.constant("sgx-enclave-report" as const),
  cpuSvn: bytes(16),
  miscselect: bytes(4),
  isvExtProdId: bytes(16),
  attributes: bytes(16),
  mrenclave: bytes(32),
  mrsigner: bytes(32),
  configId: bytes(64),
  isvProdId: word,
  isvSvn: word,
  configSvn: word,
  isvFamilyId: bytes(16),
  reportData: bytes(64),
});

const td = {
  teeTcbSvn: bytes(16),
  mrseam: bytes(48),
  mrsignerseam: bytes(48),
  seamAttributes: bytes(8),
  tdAttributes: bytes(8),
  xfam: bytes(8),
  mrtd: bytes(48),
  mrconfigid: bytes(48),
  mrowner: bytes(48),
  mrownerconfig: bytes(48),
  rtmr0: bytes(48),
  rtmr1: bytes(48),
  rtmr2: bytes(48),
  rtmr3: bytes(48),
  reportData: bytes(64),
};
const td10 = record({ type: fc.constant("td-report-1.0" as const), ...td });
const td15 = record({
  type: fc.constant("td-report-1.5" as const),
  ...td,
  teeTcbSvn2: bytes(16),
  mrservicetd: bytes(48),
});

const forms = fc.oneof(
  record({ version: fc.constant(3 as const), tee: fc.constant("sgx" as const), body: sgxBody }),
  record({ version: fc.constant(4 as const), tee: fc.constant("tdx" as const), body: td10 }),
  record({ version: fc.constant(5 as const), tee: fc.constant("sgx" as const), body: sgxBody }),
  record({ version: fc.constant(5 as const), tee: fc.constant("tdx" as const), body: fc.oneof(td10, td15) }),
);

const parts: fc.Arbitrary<QuoteParts> = forms.chain(({ version, tee, body }) =>
  record({
    tee: fc.constant(tee),
    body: fc.constant(body),
    header: record({
      version: fc.constant(version),
      attestationKeyType: fc.constant(2),
      teeType: fc.constant(tee === "tdx" ? 0x81 : 0),
      qeSvn: version === 3 ? word : fc.constant(0),
      pceSvn: version === 3 ? word : fc.constant(0),
      qeVendorId: fc.constantFrom(INTEL_QE_VENDOR_ID, SIMULATION_QE_VENDOR_ID),
      userData: bytes(20),
    }),
    signature: bytes(64),
    attestationKey: bytes(64),
    qeReport: sgxBody,
    qeReportSignature: bytes(64),
    qeAuthData: upTo(80),
    certificationData: record({ type: fc.integer({ min: 1, max: 5 }), data: upTo(300) }),
    trailing: upTo(80),
  }),
);

test("what is written is what is read, field by field, in every version", () => {
  fc.assert(
    fc.property(parts, (quote) => {
      const written = writeQuote(quote);
      const parsed = parseQuote(written);
      for (const [key, value] of Object.entries(quote)) assert.deepEqual(parsed[key as keyof QuoteParts], value, key);
      assert.deepEqual(writeQuote(parsed), written);
      assert.equal(parsed.declaredLength + parsed.trailing.length, written.length);
    }),
    { numRuns: 200 },
  );
});

test("real quotes are written again byte for byte", { skip: skipVectors }, () => {
  for (const { name, evidence } of quoteVectors) {
    // QE report and body of real quotes have zeros where fields are reserved.
    assert.ok(writeQuote(parseQuote(evidence)).equals(evidence), name);
  }
});

test("cut off at any byte, a quote of any form is malformed", () => {
  for (const { tee, version } of FORMS) {
    const { evidence } = simulate(tee, { version });
    for (let length = 0; length < evidence.length; length++) {
      assert.equal(
        codeOf(() => parseQuote(evidence.subarray(0, length))),
        "QUOTE_MALFORMED",
        `${length} bytes`,
      );
    }
    assert.equal(
      codeOf(() => parseQuote(evidence)),
      "none",
    );
  }
});

test("any bytes give a quote or one coded error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (garbage) => {
      assert.match(
        codeOf(() => parseQuote(garbage)),
        /^QUOTE_/,
      );
    }),
  );
});

test("a length beyond the input, or inside it but wrong, is malformed", () => {
  const { evidence } = simulate("tdx");
  const lengths = { signatureData: 632, certification: 632 + 4 + 128 + 2 };
  for (const at of Object.values(lengths)) {
    const right = evidence.readUInt32LE(at);
    for (const wrong of [0, right - 1, right + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const changed = Buffer.from(evidence);
      changed.writeUInt32LE(wrong, at);
      assert.equal(
        codeOf(() => parseQuote(changed)),
        "QUOTE_MALFORMED",
        `${wrong} at ${at}`,
      );
    }
  }
});
