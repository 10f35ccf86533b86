// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@bulwark/contracts/errors";
import { VerifiedCache } from "../cache.ts";
import { toInstant } from "../instant.ts";
import { HARDWARE_ROOTS } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { skipVectors, snpVectors } from "../testing/vectors.ts";
import { verifySnpReport } from "./verify-report.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  "endorsement certificate not signed by the AMD SEV key": "SNP_CHAIN_SIGNATURE_INVALID",
  "report signature invalid": "SNP_SIGNATURE_INVALID",
  "reported TCB does not match endorsement certificate": "SNP_TCB_WRONG",
  "chip id does not match endorsement certificate": "SNP_CHIP_WRONG",
};

/** What the verdict says beyond `expected.json`. */
const OWN = new Set(["simulated", "revocationChecked", "tcb", "attributeFlags", "collateral"]);

test("real SNP reports get the verdict of expected.json", { skip: skipVectors }, async (t) => {
  const cache = new VerifiedCache();
  for (const { name, evidence, collateral, expected, now } of snpVectors) {
    await t.test(name, () => {
      const options = { trustedRoots: HARDWARE_ROOTS, now };
      if (expected.outcome === "reject") {
        const code = codeOf(() => verifySnpReport(evidence, collateral, options));
        assert.ok(expected.rejectReasons.map((reason) => CODES[reason]).includes(code as ErrorCode), code);
        return;
      }
      const verdict = verifySnpReport(evidence, collateral, options);
      for (const [key, value] of Object.entries(verdict)) {
        if (!OWN.has(key)) assert.deepEqual(value, expected[key], key);
      }
      for (const _round of [1, 2]) {
        assert.deepEqual(verifySnpReport(evidence, collateral, { ...options, cache }), verdict);
      }
    });
  }
});

test("outside the window of its certificates a real report is refused", { skip: skipVectors }, () => {
  for (const { evidence, collateral, expected } of snpVectors.filter((v) => v.expected.outcome === "verdict")) {
    const at = (time: number) =>
      codeOf(() => verifySnpReport(evidence, collateral, { trustedRoots: HARDWARE_ROOTS, now: toInstant(time) }));
    const [from, to] = [Date.parse(expected.window.from), Date.parse(expected.window.to)];
    assert.deepEqual([from - 1000, from, to, to + 1000].map(at), [
      "SNP_CHAIN_NOT_CURRENT",
      "none",
      "none",
      "SNP_CHAIN_NOT_CURRENT",
    ]);
  }
});

test("any flipped byte of the signed part of a report is refused", { skip: skipVectors }, () => {
  const [vector] = snpVectors.filter((v) => v.expected.outcome === "verdict");
  assert.ok(vector);
  const cache = new VerifiedCache();
  for (let at = 0; at < 672; at++) {
    const evidence = Buffer.from(vector.evidence);
    evidence[at] = (evidence[at] ?? 0) ^ 0x40;
    const options = { trustedRoots: HARDWARE_ROOTS, now: vector.now, cache };
    assert.match(
      codeOf(() => verifySnpReport(evidence, vector.collateral, options)),
      /^SNP_/,
      `byte ${at}`,
    );
  }
});
