// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@bulwark/contracts/errors";
import { VerifiedCache } from "../cache.ts";
import { HARDWARE_ROOTS } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { quoteVectors, skipVectors } from "../testing/vectors.ts";
import { verifyQuote } from "./verify-quote.ts";

/** Codes that say what a reason of `expected.json` says. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  "debug enclave": "TEE_DEBUG",
  "debug TD": "TEE_DEBUG",
  "untrusted root": "ROOT_UNTRUSTED",
  "enclave not initialised": "ENCLAVE_NOT_INITIALISED",
  "no matching TCB level": "TCB_LEVEL_UNKNOWN",
  "certification data is not a PEM chain": "PCK_CHAIN_MALFORMED",
};
const toCode = (reason: string): ErrorCode =>
  reason.startsWith("missing collateral") ? "COLLATERAL_MISSING" : (CODES[reason] ?? "BUG");

/** What the verdict says beyond `expected.json`. */
const OWN = new Set(["simulated", "platform", "collateral"]);

test("real quotes get the verdict of expected.json", { skip: skipVectors }, async (t) => {
  const cache = new VerifiedCache();
  for (const { name, evidence, collateral, expected, now } of quoteVectors) {
    await t.test(name, () => {
      const options = { trustedRoots: HARDWARE_ROOTS, now };
      if (expected.outcome === "reject") {
        const code = codeOf(() => verifyQuote(evidence, collateral, options));
        assert.ok(expected.rejectReasons.map(toCode).includes(code as ErrorCode), `${code}: ${expected.rejectReasons}`);
        return;
      }
      const verdict = verifyQuote(evidence, collateral, options);
      for (const [key, value] of Object.entries(verdict)) {
        if (!OWN.has(key)) assert.deepEqual(value, expected[key], key);
      }
      assert.equal(verdict.simulated, false);
      // Warm or cold, the same verdict.
      for (const round of [1, 2])
        assert.deepEqual(verifyQuote(evidence, collateral, { ...options, cache }), verdict, `${round}`);
    });
  }
});
