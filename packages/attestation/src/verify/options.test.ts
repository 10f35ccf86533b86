// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { QeIdentity } from "../collateral/qe-identity.ts";
import type { TcbInfo } from "../collateral/tcb-info.ts";
import { type Instant, parseInstant, toInstant } from "../instant.ts";
import type { TrustedRoots } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { simulate } from "../testing/evidence.ts";
import { findQuoteVector, skipVectors } from "../testing/vectors.ts";
import { matchQeLevel } from "./qe-report.ts";
import { matchTcbLevel } from "./tcb-level.ts";
import { verifyQuote } from "./verify-quote.ts";

const { evidence, collateral, now, trustedRoots } = simulate("tdx");

test("an instant that is none is refused, by the types and when it runs", () => {
  const run = (instant: Instant) => codeOf(() => verifyQuote(evidence, collateral, { trustedRoots, now: instant }));
  // @ts-expect-error a plain number is no instant
  assert.equal(run(Number.NaN), "INSTANT_INVALID");
  // @ts-expect-error nor is nothing
  assert.equal(run(undefined), "INSTANT_INVALID");
  // @ts-expect-error nor a text
  assert.equal(run("2026-03-01T12:00:00Z"), "INSTANT_INVALID");
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e300, now / 1000]) {
    assert.equal(run(wrong as Instant), "INSTANT_INVALID", String(wrong));
    assert.equal(
      codeOf(() => toInstant(wrong)),
      "INSTANT_INVALID",
      String(wrong),
    );
  }
  const without = { trustedRoots };
  const attempt = () =>
    // @ts-expect-error the instant cannot be left out
    verifyQuote(evidence, collateral, without);
  assert.equal(codeOf(attempt), "INSTANT_INVALID");
});

test("dates of another form, or that do not exist, are no instants", () => {
  for (const text of [
    "",
    "2026-03-01",
    "2026-02-30T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T00:00:60Z",
    "2026-03-01T12:00:00+01:00",
  ]) {
    assert.equal(
      codeOf(() => parseInstant(text)),
      "INSTANT_INVALID",
      text,
    );
  }
  fc.assert(
    fc.property(fc.date({ min: new Date("2000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
      assert.equal(parseInstant(date.toISOString()), date.getTime());
    }),
  );
});

test("roots that are none, doubtful or of another kind are refused", () => {
  const run = (roots: TrustedRoots) => codeOf(() => verifyQuote(evidence, collateral, { trustedRoots: roots, now }));
  const [root] = trustedRoots;
  assert.ok(root);
  assert.equal(run([]), "TRUSTED_ROOTS_INVALID");
  assert.equal(run([{ ...root, fingerprint: root.fingerprint.toUpperCase() }]), "TRUSTED_ROOTS_INVALID");
  assert.equal(run([root, { ...root, kind: "intel" }]), "TRUSTED_ROOTS_INVALID");
  assert.equal(run([{ ...root, kind: "amd" }]), "ROOT_UNTRUSTED");
  // A simulated root that is taken for Intel's does not make its evidence real.
  assert.equal(run([{ ...root, kind: "intel" }]), "QUOTE_VENDOR_UNKNOWN");
});

test("expected report data is compared whole", () => {
  const right = parseReportData();
  const run = (expectedReportData: Uint8Array) =>
    codeOf(() => verifyQuote(evidence, collateral, { trustedRoots, now, expectedReportData }));
  assert.equal(run(right), "none");
  assert.equal(run(right.subarray(0, 32)), "VERIFY_OPTION_INVALID");
  for (const at of [0, 31, 32, 63]) {
    const wrong = Buffer.from(right);
    wrong[at] = (wrong[at] ?? 0) ^ 1;
    assert.equal(run(wrong), "REPORT_DATA_MISMATCH");
  }
});

function parseReportData(): Buffer {
  return Buffer.from(verifyQuote(evidence, collateral, { trustedRoots, now }).reportData, "hex");
}

test("what follows a quote is counted, and refused where that is asked for", { skip: skipVectors }, () => {
  const run = (name: string, trailingBytes: "any" | "zero" | "none") => {
    const vector = findQuoteVector(name);
    const roots: TrustedRoots = [{ kind: "intel", fingerprint: vector.expected.rootFingerprint as string }];
    return codeOf(() =>
      verifyQuote(vector.evidence, vector.collateral, { trustedRoots: roots, now: vector.now, trailingBytes }),
    );
  };
  assert.deepEqual(
    (["any", "zero", "none"] as const).map((rule) => run("tdx-v4-up-to-date", rule)),
    ["none", "none", "QUOTE_TRAILING_BYTES"],
  );
  assert.deepEqual(
    (["any", "zero", "none"] as const).map((rule) => run("tdx-v4-no-matching-tcb-level", rule)),
    ["TCB_LEVEL_UNKNOWN", "QUOTE_TRAILING_BYTES", "QUOTE_TRAILING_BYTES"],
  );
});

test("grace lets collateral be stale, says so, and ends", () => {
  const day = 86_400_000;
  const { window } = verifyQuote(evidence, collateral, { trustedRoots, now });
  const at = (days: number, collateralGraceDays: number) =>
    verifyQuote(evidence, collateral, {
      trustedRoots,
      now: toInstant(Date.parse(window.to) + days * day),
      collateralGraceDays,
    });
  assert.equal(
    codeOf(() => at(1, 0)),
    "ROOT_CRL_NOT_CURRENT",
  );
  assert.deepEqual(
    at(1, 2)
      .collateral.filter(({ stale }) => stale)
      .map(({ item }) => item),
    ["rootCaCrl", "pckCrl", "tcbInfo", "qeIdentity"],
  );
  assert.equal(
    codeOf(() => at(3, 2)),
    "ROOT_CRL_NOT_CURRENT",
  );
  for (const wrong of [-1, 31, Number.NaN])
    assert.equal(
      codeOf(() => at(0, wrong)),
      "VERIFY_OPTION_INVALID",
    );
});

test("what was not verified does not compile where it would decide", () => {
  const decide = (info: TcbInfo, identity: QeIdentity, quote: Parameters<typeof matchQeLevel>[0]) => {
    // @ts-expect-error a TCB info that was only read
    matchTcbLevel(info, { components: new Uint8Array(16), pceSvn: 0 }, null);
    // @ts-expect-error an identity that was only read
    matchQeLevel(quote, identity);
  };
  assert.equal(typeof decide, "function");
});
