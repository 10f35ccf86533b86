// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { VerifiedCache } from "./cache.ts";
import { parseInstant, toInstant } from "./instant.ts";
import type { TrustedRoots } from "./roots.ts";
import { codeOf } from "./testing/code-of.ts";
import { simulate } from "./testing/evidence.ts";
import { markVerified } from "./verified.ts";
import { verifyQuote } from "./verify/verify-quote.ts";

const NOW = parseInstant("2026-03-01T12:00:00Z");
const ROOTS: TrustedRoots = [{ kind: "intel", fingerprint: "00".repeat(32) }];
const OTHER_ROOTS: TrustedRoots = [{ kind: "intel", fingerprint: "11".repeat(32) }];

/** How often each text had to be made, through one cache. */
function count(cache: VerifiedCache) {
  const made: string[] = [];
  const recall = (texts: readonly string[], { roots = ROOTS, now = NOW, expiresAt = NOW + 1000 } = {}) =>
    cache.open(roots, now)(
      "chain",
      texts,
      () => {
        made.push(texts.join());
        return markVerified({ texts });
      },
      () => expiresAt,
    );
  return { made, recall };
}

test("what was made once is recalled, under the same roots and texts alone", () => {
  const { made, recall } = count(new VerifiedCache());
  const first = recall(["a", "b"]);
  assert.equal(recall(["a", "b"]), first);
  recall(["a", "b"], { roots: OTHER_ROOTS });
  recall(["a", "c"]);
  recall(["a", "b"]);
  assert.deepEqual(made, ["a,b", "a,b", "a,c", "a,b"]);
});

test("what has expired is made again", () => {
  const { made, recall } = count(new VerifiedCache());
  recall(["a"], { expiresAt: NOW });
  recall(["a"]);
  recall(["a"], { now: toInstant(NOW + 1) });
  assert.equal(made.length, 2);
});

test("entries, bytes and sets of roots are bounded, the least recently used go", () => {
  const cache = new VerifiedCache({ mostEntries: 3, mostBytes: 1000 });
  const { made, recall } = count(cache);
  for (const text of ["a", "b", "c", "a", "d"]) recall([text]);
  assert.equal(cache.size, 3);
  recall(["a"]);
  recall(["b"]);
  assert.deepEqual(made, ["a", "b", "c", "d", "b"]);
  recall(["x".repeat(999)]);
  assert.equal(cache.size, 2);
  recall(["y".repeat(2000)]);
  assert.equal(cache.size, 0);
  for (let index = 0; index < 50; index++) {
    recall(["a"], { roots: [{ kind: "intel", fingerprint: String(index).padStart(64, "0") }] });
  }
  assert.ok(cache.size <= 8);
});

test("what cannot be made is not kept", () => {
  const cache = new VerifiedCache();
  const attempt = () =>
    cache.open(ROOTS, NOW)(
      "crl",
      ["a"],
      () => {
        throw new Error("no");
      },
      () => NOW,
    );
  assert.throws(attempt);
  assert.throws(attempt);
  assert.equal(cache.size, 0);
});

test("a warm cache decides as a cold one: another instant, other roots, other collateral", () => {
  const cache = new VerifiedCache();
  const { evidence, collateral, now, trustedRoots } = simulate("tdx");
  const run = (overrides: Partial<Parameters<typeof verifyQuote>[2]>, items = collateral) =>
    codeOf(() => verifyQuote(evidence, items, { now, trustedRoots, cache, ...overrides }));
  assert.equal(run({}), "none");
  const day = 86_400_000;
  assert.equal(run({ now: toInstant(now + 40 * day) }), "ROOT_CRL_NOT_CURRENT");
  assert.equal(run({ now: toInstant(now - 40 * day) }), "PCK_CHAIN_NOT_CURRENT");
  assert.equal(run({ trustedRoots: OTHER_ROOTS }), "ROOT_UNTRUSTED");
  assert.equal(run({}, { ...collateral, pckCrl: null }), "COLLATERAL_MISSING");
  // Collateral of another installation is right in itself, and wrong here.
  const other = simulate("tdx").collateral;
  assert.equal(run({}, { ...collateral, pckCrl: other.pckCrl }), "PCK_CRL_SIGNATURE_INVALID");
  assert.equal(run({}, { ...collateral, tcbInfo: other.tcbInfo }), "none");
  assert.equal(run({}), "none");
});
