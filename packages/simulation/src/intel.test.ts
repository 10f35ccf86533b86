// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  appraise,
  type Collateral,
  compilePolicy,
  HARDWARE_ROOTS,
  type QuoteVerdict,
  type TrustedRoots,
  toInstant,
  verifyQuote,
} from "@bulwark/attestation";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { parsePolicy } from "@bulwark/contracts/policy";
import fc from "fast-check";
import { makeTcbInfo } from "./collateral.ts";
import { createRoot, exportRoot, importRoot, toFingerprint } from "./installation.ts";
import { adviseRelaunch, makeWish, simulateIntel } from "./intel.ts";
import type { IntelWish } from "./wish.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const root = createRoot("intel", { now: new Date(NOW.getTime() - 86_400_000) });
const simulated: TrustedRoots = [{ kind: "simulation", fingerprint: toFingerprint(root) }];

const make = (wish: IntelWish) => simulateIntel(root, wish, { now: NOW });
const verify = (
  { evidence, collateral }: { evidence: Buffer; collateral: Collateral },
  trustedRoots: TrustedRoots = simulated,
): QuoteVerdict => verifyQuote(evidence, collateral, { trustedRoots, now: toInstant(NOW) });

function codeOf(action: () => unknown): ErrorCode | "accepted" {
  try {
    action();
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof BulwarkError, String(error));
    return error.code;
  }
}

test("what was asked for is what a verifier reads", () => {
  const wish = makeWish("tdx", {
    version: 5,
    status: "OutOfDate",
    advisoryIds: ["INTEL-SA-00615"],
    reportData: Buffer.alloc(64, 3),
  });
  const verdict = verify(make(wish));
  assert.ok(verdict.tee === "tdx");
  assert.equal(verdict.simulated, true);
  assert.equal(verdict.debug, true);
  assert.equal(verdict.bodyType, "td-report-1.5");
  assert.equal(verdict.tcbStatus, "OutOfDate");
  assert.deepEqual(verdict.advisoryIds, ["INTEL-SA-00615"]);
  assert.equal(verdict.measurements.mrtd, wish.domain.mrtd.toString("hex"));
  assert.equal(verdict.measurements.rtmr2, wish.domain.rtmr[2].toString("hex"));
  assert.equal(verdict.reportData, "03".repeat(64));
  assert.equal(verdict.platform.piid, wish.platform.instanceId.toString("hex"));
});

for (const status of [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
] as const) {
  test(`status ${status} can be asked for`, () => {
    for (const tee of ["sgx", "tdx"] as const) {
      assert.equal(verify(make(makeWish(tee, { status }))).tcbStatus, status);
    }
  });
}

test("a relaunch can be advised", () => {
  for (const [status, expected] of [
    ["UpToDate", "TDRelaunchAdvised"],
    ["ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded"],
  ] as const) {
    assert.equal(verify(make(adviseRelaunch(makeWish("tdx", { status })))).tcbStatus, expected);
  }
});

test("simulated evidence passes under its own root and kind alone", () => {
  const made = make(makeWish("sgx"));
  const other = createRoot("intel", { now: NOW });
  assert.equal(
    codeOf(() => verify(made)),
    "accepted",
  );
  assert.equal(
    codeOf(() => verify(made, HARDWARE_ROOTS)),
    "ROOT_UNTRUSTED",
  );
  assert.equal(
    codeOf(() => verify(made, [{ kind: "simulation", fingerprint: toFingerprint(other) }])),
    "ROOT_UNTRUSTED",
  );
  // A root that someone put among those of hardware: the marks in the quote still tell.
  assert.equal(
    codeOf(() => verify(made, [{ kind: "intel", fingerprint: toFingerprint(root) }])),
    "QUOTE_VENDOR_UNKNOWN",
  );
});

test("two switches: a verifier that trusts the root, and a policy that names it", () => {
  const wish = makeWish("sgx");
  const verdict = verify(make(wish));
  const allow = { code: { mrenclave: wish.enclave.mrenclave.toString("hex") } };
  const judge = (simulation: object) =>
    appraise(
      verdict,
      compilePolicy(parsePolicy(JSON.stringify({ name: "p", allow, simulation }), { file: "p" })),
      toInstant(NOW),
    );
  assert.deepEqual(
    judge({}).findings.map(({ code }) => code),
    ["APPRAISAL_SIMULATED"],
  );
  assert.deepEqual(
    judge({ root: "00".repeat(32) }).findings.map(({ code }) => code),
    ["APPRAISAL_SIMULATED"],
  );
  const accepted = judge({ root: toFingerprint(root) });
  assert.equal(accepted.outcome, "accepted");
  assert.equal(accepted.earStatus, "warning");
  assert.equal(accepted.tee, "sim-sgx");
});

test("no two installations have a root, a name or a key in common", () => {
  const [one, two] = [createRoot("intel", { now: NOW }), createRoot("intel", { now: NOW })];
  assert.notEqual(one.name, two.name);
  assert.notEqual(toFingerprint(one), toFingerprint(two));
});

test("a root can be kept and read again, and a key of another is refused", () => {
  const kept = exportRoot(root);
  assert.deepEqual(importRoot("intel", kept).certificate, root.certificate);
  assert.equal(importRoot("intel", kept).name, root.name);
  const stranger = exportRoot(createRoot("intel", { now: NOW }));
  assert.throws(() => importRoot("intel", { ...kept, keyPem: stranger.keyPem }));
});

/** From best to worst; what is refused is worst of all. */
const ORDER = ["UpToDate", "OutOfDate", "refused"];
const rank = (made: ReturnType<typeof make>): number => {
  try {
    return ORDER.indexOf(verify(made).tcbStatus);
  } catch (error) {
    assert.ok(error instanceof BulwarkError && error.code === "TCB_LEVEL_UNKNOWN", String(error));
    return ORDER.indexOf("refused");
  }
};

test("property: raising a security version of the platform never worsens the verdict", () => {
  const base = makeWish("tdx");
  // Levels as they are for the platform above, evidence of a platform that differs in one component.
  const issue = { issueDate: new Date(NOW.getTime() - 3_600_000), nextUpdate: new Date(NOW.getTime() + 86_400_000) };
  const levels = makeTcbInfo(base, issue);
  const at = (index: number, svn: number) => {
    const components = base.platform.components.with(index, svn);
    const wish = { ...base, platform: { ...base.platform, components } };
    return simulateIntel(root, wish, { now: NOW, adjust: { tcbInfo: () => levels } });
  };
  fc.assert(
    fc.property(fc.nat(15), fc.nat(12), fc.nat(12), (index, svn, more) => {
      assert.ok(rank(at(index, svn + more)) <= rank(at(index, svn)));
    }),
    { numRuns: 25 },
  );
});
