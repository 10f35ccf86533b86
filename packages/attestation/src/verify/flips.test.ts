// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VerifiedCache } from "../cache.ts";
import type { Collateral } from "../collateral/collateral.ts";
import { parseQuote } from "../quote/parse.ts";
import { HARDWARE_ROOTS } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { FORMS, simulate } from "../testing/evidence.ts";
import { findQuoteVector, skipVectors } from "../testing/vectors.ts";
import { verifyQuote } from "./verify-quote.ts";

type Evidence = { evidence: Buffer; collateral: Collateral };

/** Checks that a flip anywhere in the quote's declared part is refused, with a cache that knows the right quote. */
function checkFlips(
  { evidence, collateral }: Evidence,
  options: Parameters<typeof verifyQuote>[2],
  mask: number,
): void {
  const cache = new VerifiedCache();
  const run = (bytes: Buffer) => codeOf(() => verifyQuote(bytes, collateral, { ...options, cache }));
  assert.equal(run(evidence), "none");
  const { declaredLength } = parseQuote(evidence);
  for (let at = 0; at < declaredLength; at++) {
    const changed = Buffer.from(evidence);
    changed[at] = (changed[at] ?? 0) ^ mask;
    assert.notEqual(run(changed), "none", `byte ${at}`);
  }
  // What was refused was not remembered.
  assert.equal(run(evidence), "none");
}

for (const { tee, version } of FORMS) {
  test(`any flipped byte of a simulated ${tee} quote of version ${version} is refused`, () => {
    const { evidence, collateral, now, trustedRoots } = simulate(tee, { version });
    checkFlips({ evidence, collateral }, { now, trustedRoots }, 0x40);
  });
}

test("any flipped byte of a real quote is refused", { skip: skipVectors }, () => {
  for (const name of ["tdx-v4-up-to-date", "sgx-v3-configuration-and-sw-hardening-needed"]) {
    const vector = findQuoteVector(name);
    checkFlips(vector, { now: vector.now, trustedRoots: HARDWARE_ROOTS }, 0x80);
  }
});

/** Texts of collateral, each with a way to put another in its place. */
const TEXTS: Readonly<
  Record<string, { get: (c: Collateral) => string; set: (c: Collateral, text: string) => Collateral }>
> = {
  "TCB info": {
    get: ({ tcbInfo }) => tcbInfo?.body ?? "",
    set: (c, body) => ({ ...c, tcbInfo: c.tcbInfo && { ...c.tcbInfo, body } }),
  },
  "signature of the TCB info": {
    get: ({ tcbInfo }) => tcbInfo?.signatureHex ?? "",
    set: (c, signatureHex) => ({ ...c, tcbInfo: c.tcbInfo && { ...c.tcbInfo, signatureHex } }),
  },
  "chain of the TCB info": {
    get: ({ tcbInfo }) => tcbInfo?.issuerChainPem ?? "",
    set: (c, issuerChainPem) => ({ ...c, tcbInfo: c.tcbInfo && { ...c.tcbInfo, issuerChainPem } }),
  },
  "QE identity": {
    get: ({ qeIdentity }) => qeIdentity?.body ?? "",
    set: (c, body) => ({ ...c, qeIdentity: c.qeIdentity && { ...c.qeIdentity, body } }),
  },
  "PCK CRL": {
    get: ({ pckCrl }) => pckCrl?.derBase64 ?? "",
    set: (c, derBase64) => ({ ...c, pckCrl: { derBase64 } }),
  },
  "root CRL": {
    get: ({ rootCaCrl }) => rootCaCrl?.derBase64 ?? "",
    set: (c, derBase64) => ({ ...c, rootCaCrl: { derBase64 } }),
  },
};

const toMeaning = (text: string): string => text.replaceAll(/\s/g, "").toLowerCase();

for (const [name, { get, set }] of Object.entries(TEXTS)) {
  test(`a changed character of the ${name} is refused, empty and cut off too`, () => {
    const { evidence, collateral, now, trustedRoots } = simulate("tdx");
    const cache = new VerifiedCache();
    const run = (text: string) =>
      codeOf(() => verifyQuote(evidence, set(collateral, text), { now, trustedRoots, cache }));
    const right = get(collateral);
    assert.equal(run(right), "none");
    assert.notEqual(run(""), "none");
    fc.assert(
      fc.property(
        fc.nat(right.length - 1),
        fc.constantFrom("0", "1", "z", "A", "{", " "),
        fc.boolean(),
        (at, other, isCut) => {
          const changed = isCut ? right.slice(0, at) : right.slice(0, at) + other + right.slice(at + 1);
          // White space in a PEM chain, and the case of hex, mean nothing.
          fc.pre(toMeaning(changed) !== toMeaning(right));
          assert.notEqual(run(changed), "none");
        },
      ),
      { numRuns: 100 },
    );
    assert.equal(run(right), "none");
  });
}
