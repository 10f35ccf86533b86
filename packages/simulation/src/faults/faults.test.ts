// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { appraise, compilePolicy, type TrustedRoots, toInstant, verifyQuote } from "@bulwark/attestation";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { parsePolicy } from "@bulwark/contracts/policy";
import { createRoot, toFingerprint } from "../installation.ts";
import { makeWish, simulateIntel } from "../intel.ts";
import type { IntelWish } from "../wish.ts";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./index.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const DAY_MS = 86_400_000;
const root = createRoot("intel", { now: new Date(NOW.getTime() - DAY_MS) });
const fingerprintOf = (pem: string): string => createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
const hex = (bytes: Buffer): string => bytes.toString("hex");

/** What the relying party expects: the right evidence and nothing else. */
function judge(evidence: Buffer, collateral: object, right: IntelWish, rootFingerprint: string): readonly ErrorCode[] {
  const now = toInstant(NOW);
  const trustedRoots: TrustedRoots = [{ kind: "simulation", fingerprint: rootFingerprint }];
  const policy = {
    name: "test",
    allow: {
      right:
        right.tee === "sgx"
          ? { mrenclave: hex(right.enclave.mrenclave), mrsigner: hex(right.enclave.mrsigner), isvProdId: 1 }
          : {
              mrtd: hex(right.domain.mrtd),
              rtmr1: hex(right.domain.rtmr[1]),
              mrconfigid: hex(right.domain.mrconfigid),
            },
    },
    simulation: { root: rootFingerprint },
  };
  const options = { trustedRoots, now, expectedReportData: right.reportData };
  try {
    const verdict = verifyQuote(evidence, collateral as Parameters<typeof verifyQuote>[1], options);
    const compiled = compilePolicy(parsePolicy(JSON.stringify(policy), { file: "policy" }));
    return appraise(verdict, compiled, now).findings.map(({ code }) => code);
  } catch (error) {
    assert.ok(error instanceof BulwarkError, error instanceof Error ? error.stack : String(error));
    return [error.code];
  }
}

function simulate({ tee = "sgx", version, wish: change = (wish) => wish, adjust = {}, under }: Partial<Fault>) {
  const right = makeWish(tee, version === undefined ? {} : { version });
  const signer = under?.(root, new Date(NOW.getTime() - DAY_MS)) ?? root;
  const made = simulateIntel(signer, change(right), { now: NOW, adjust });
  // The root's certificate is made anew where a fault is about it; a fault of trust keeps the one that is trusted.
  const trusted = under === undefined ? fingerprintOf(made.rootPem) : toFingerprint(root);
  return judge(made.evidence, made.collateral, right, trusted);
}

for (const [tee, version] of [
  ["sgx", 3],
  ["sgx", 5],
  ["tdx", 4],
  ["tdx", 5],
] as const) {
  test(`without a fault, ${tee} version ${version} is accepted`, () => {
    assert.deepEqual(simulate({ tee, version }), []);
  });
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`step ${fault.step}, ${name}: ${fault.code}`, () => {
    assert.deepEqual(simulate(fault), [fault.code]);
  });
}

test("there are at least sixty faults, and some of each step", () => {
  const steps = new Set(Object.values(FAULTS).map(({ step }) => step));
  assert.deepEqual([...steps].toSorted(), [..."BCDEFGHIJKLMN"]);
  assert.ok(Object.keys(FAULTS).length >= 60);
});
