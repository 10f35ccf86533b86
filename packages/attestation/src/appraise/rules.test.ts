// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@bulwark/contracts/errors";
import { parseInstant } from "../instant.ts";
import type { Verdict } from "../verdict.ts";
import { appraise } from "./appraise.ts";
import { compilePolicy } from "./compile.ts";
import { APPRAISAL_RULES } from "./rules.ts";
import { codesOf, type Draft, judge, NOW, OLD_SNP, readPolicy, SGX, SNP, TDX } from "./testing/judge.ts";
import { MEASUREMENT, MRENCLAVE, MRSIGNER, MRTD, makeSgx, makeSnp, makeTdx } from "./testing/verdicts.ts";

const issuedOn = (validFrom: string) =>
  ({
    item: "tcbInfo",
    fingerprint: "00".repeat(32),
    validFrom,
    validTo: "2026-03-30T00:00:00Z",
    stale: false,
  }) as const;

/** Each rule on its own: what is accepted, what is refused, and by which code alone. */
const TABLE: readonly { name: string; verdict: Verdict; policy: Draft; code: ErrorCode | null }[] = [
  {
    name: "another enclave",
    verdict: makeSgx(),
    policy: { allow: { a: { mrenclave: "12".repeat(32) } } },
    code: "APPRAISAL_NOT_ALLOWED",
  },
  {
    name: "one of several",
    verdict: makeSgx(),
    policy: { allow: { a: { mrenclave: ["12".repeat(32), MRENCLAVE] } } },
    code: null,
  },
  {
    name: "signer, product and version",
    verdict: makeSgx(),
    policy: { allow: { a: { mrsigner: MRSIGNER, isvProdId: 7, isvSvnMinimum: 4 } } },
    code: null,
  },
  {
    name: "another product",
    verdict: makeSgx(),
    policy: { allow: { a: { mrsigner: MRSIGNER, isvProdId: 8 } } },
    code: "APPRAISAL_NOT_ALLOWED",
  },
  {
    name: "an older version",
    verdict: makeSgx(),
    policy: { allow: { a: { mrsigner: MRSIGNER, isvProdId: 7, isvSvnMinimum: 5 } } },
    code: "APPRAISAL_NOT_ALLOWED",
  },
  { name: "an enclave for a domain", verdict: makeSgx(), policy: TDX, code: "APPRAISAL_NOT_ALLOWED" },
  {
    name: "another kernel",
    verdict: makeTdx(),
    policy: { allow: { a: { mrtd: MRTD, rtmr1: "00".repeat(48) } } },
    code: "APPRAISAL_NOT_ALLOWED",
  },
  {
    name: "init data of a domain",
    verdict: makeTdx(),
    policy: { allow: { a: { mrtd: MRTD, mrconfigid: "44".repeat(48) } } },
    code: null,
  },
  {
    name: "other init data of a guest",
    verdict: makeSnp(),
    policy: { allow: { a: { measurement: MEASUREMENT, hostData: "67".repeat(32) } }, tcb: OLD_SNP },
    code: "APPRAISAL_NOT_ALLOWED",
  },
  {
    name: "report data",
    verdict: makeSnp(),
    policy: { allow: { a: { measurement: MEASUREMENT, reportData: "00".repeat(64) } }, tcb: OLD_SNP },
    code: null,
  },
  {
    name: "denied",
    verdict: makeSgx(),
    policy: { ...SGX, deny: { leaked: { mrenclave: MRENCLAVE } } },
    code: "APPRAISAL_DENIED",
  },
  {
    name: "denied by version",
    verdict: makeSgx(),
    policy: { ...SGX, deny: { old: { mrsigner: MRSIGNER, isvSvnMaximum: 4 } } },
    code: "APPRAISAL_DENIED",
  },
  {
    name: "denied platform",
    verdict: makeTdx(),
    policy: { ...TDX, deny: { stolen: { instanceId: "bb".repeat(16) } } },
    code: "APPRAISAL_DENIED",
  },
  {
    name: "another is denied",
    verdict: makeSgx(),
    policy: { ...SGX, deny: { other: { mrenclave: "12".repeat(32) } } },
    code: null,
  },
  { name: "debug", verdict: makeSgx({ debug: true }), policy: SGX, code: "APPRAISAL_DEBUG" },
  { name: "out of date", verdict: makeSgx({ tcbStatus: "OutOfDate" }), policy: SGX, code: "APPRAISAL_TCB_STATUS" },
  {
    name: "out of date, accepted",
    verdict: makeSgx({ tcbStatus: "OutOfDate" }),
    policy: { ...SGX, tcb: { accept: { OutOfDate: "2026-03-01" } } },
    code: null,
  },
  {
    name: "out of date, accepted until yesterday",
    verdict: makeSgx({ tcbStatus: "OutOfDate" }),
    policy: { ...SGX, tcb: { accept: { OutOfDate: "2026-02-28" } } },
    code: "APPRAISAL_TCB_EXPIRED",
  },
  {
    name: "another status accepted",
    verdict: makeTdx({ tcbStatus: "TDRelaunchAdvised" }),
    policy: { ...TDX, tcb: { accept: { OutOfDate: "2027-01-01" } } },
    code: "APPRAISAL_TCB_STATUS",
  },
  {
    name: "hardening needed",
    verdict: makeSgx({ tcbStatus: "SWHardeningNeeded", advisoryIds: ["INTEL-SA-00615"] }),
    policy: SGX,
    code: "APPRAISAL_TCB_STATUS",
  },
  {
    name: "hardening needed, advisories judged",
    verdict: makeSgx({ tcbStatus: "SWHardeningNeeded", advisoryIds: ["INTEL-SA-00615"] }),
    policy: { ...SGX, tcb: { advisories: { allow: "INTEL-SA-00615" } } },
    code: null,
  },
  {
    name: "an advisory that is not listed",
    verdict: makeSgx({ tcbStatus: "SWHardeningNeeded", advisoryIds: ["INTEL-SA-00615", "INTEL-SA-00289"] }),
    policy: { ...SGX, tcb: { advisories: { allow: "INTEL-SA-00615" } } },
    code: "APPRAISAL_ADVISORY_NOT_ALLOWED",
  },
  {
    name: "a denied advisory",
    verdict: makeSgx({ tcbStatus: "SWHardeningNeeded", advisoryIds: ["INTEL-SA-00615"] }),
    policy: { ...SGX, tcb: { accept: { SWHardeningNeeded: "always" }, advisories: { deny: "INTEL-SA-00615" } } },
    code: "APPRAISAL_ADVISORY_DENIED",
  },
  {
    name: "old TCB info",
    verdict: makeSgx(),
    policy: { ...SGX, tcb: { evaluationNumberMinimum: 20 } },
    code: "APPRAISAL_EVALUATION_LOW",
  },
  {
    name: "TCB info new enough",
    verdict: makeSgx(),
    policy: { ...SGX, tcb: { evaluationNumberMinimum: 19 } },
    code: null,
  },
  {
    name: "valid collateral of last month",
    verdict: makeSgx({ collateral: [issuedOn("2026-02-20T00:00:00Z")] }),
    policy: { ...SGX, tcb: { collateralDaysMaximum: 7 } },
    code: "APPRAISAL_COLLATERAL_OLD",
  },
  {
    name: "collateral of this week",
    verdict: makeSgx({ collateral: [issuedOn("2026-02-26T00:00:00Z")] }),
    policy: { ...SGX, tcb: { collateralDaysMaximum: 7 } },
    code: null,
  },
  {
    name: "old SNP firmware",
    verdict: makeSnp(),
    policy: { ...SNP, tcb: { snpMinimum: { snp: 9 } } },
    code: "APPRAISAL_SNP_TCB_LOW",
  },
  {
    name: "SNP firmware new enough",
    verdict: makeSnp(),
    policy: { ...SNP, tcb: { snpMinimum: { snp: 8, microcode: 115 } } },
    code: null,
  },
  {
    name: "a version that this processor does not have",
    verdict: makeSnp(),
    policy: { ...SNP, tcb: { snpMinimum: { fmc: 1 } } },
    code: "APPRAISAL_SNP_TCB_LOW",
  },
  {
    name: "a listed platform",
    verdict: makeSgx(),
    policy: { ...SGX, platforms: { ppidHash: "aa".repeat(32) } },
    code: null,
  },
  {
    name: "a platform by instance",
    verdict: makeTdx(),
    policy: { ...TDX, platforms: { instanceId: "bb".repeat(16) } },
    code: null,
  },
  {
    name: "another platform",
    verdict: makeSgx(),
    policy: { ...SGX, platforms: { ppidHash: "ab".repeat(32) } },
    code: "APPRAISAL_PLATFORM_UNKNOWN",
  },
  { name: "a listed chip", verdict: makeSnp(), policy: { ...SNP, platforms: { chipId: "88".repeat(64) } }, code: null },
  {
    name: "a masked chip",
    verdict: makeSnp({ measurements: { ...makeSnp().measurements, chipId: "00".repeat(64) } }),
    policy: { ...SNP, platforms: { chipId: "00".repeat(64) } },
    code: "APPRAISAL_PLATFORM_UNKNOWN",
  },
  {
    name: "provisioning key",
    verdict: makeSgx({ attributeFlags: { ...makeSgx().attributeFlags, provisionKey: true } }),
    policy: SGX,
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "provisioning key, accepted",
    verdict: makeSgx({ attributeFlags: { ...makeSgx().attributeFlags, provisionKey: true } }),
    policy: { ...SGX, attributes: { provisionKey: true } },
    code: null,
  },
  {
    name: "launch tokens",
    verdict: makeSgx({ attributeFlags: { ...makeSgx().attributeFlags, einittokenKey: true } }),
    policy: SGX,
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "SEPT_VE_DISABLE clear",
    verdict: makeTdx({ attributeFlags: { ...makeTdx().attributeFlags, septVeDisable: false } }),
    policy: TDX,
    code: null,
  },
  {
    name: "SEPT_VE_DISABLE required",
    verdict: makeTdx({ attributeFlags: { ...makeTdx().attributeFlags, septVeDisable: false } }),
    policy: { ...TDX, attributes: { septVeDisable: "required" } },
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "performance counters",
    verdict: makeTdx({ attributeFlags: { ...makeTdx().attributeFlags, perfmon: true } }),
    policy: { ...TDX, attributes: { perfmon: "refused" } },
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "other features",
    verdict: makeTdx(),
    policy: { ...TDX, attributes: { xfam: "e702060000000000" } },
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "features that differ in CET alone",
    verdict: makeTdx(),
    policy: { ...TDX, attributes: { xfam: "e718060000000000" } },
    code: null,
  },
  {
    name: "a service domain",
    verdict: makeTdx({ measurements: { ...makeTdx().measurements, mrservicetd: "99".repeat(48) } }),
    policy: TDX,
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "a listed service domain",
    verdict: makeTdx({ measurements: { ...makeTdx().measurements, mrservicetd: "99".repeat(48) } }),
    policy: { allow: { a: { mrtd: MRTD, mrservicetd: "99".repeat(48) } } },
    code: null,
  },
  {
    name: "a low privilege level",
    verdict: makeSnp({ measurements: { ...makeSnp().measurements, vmpl: 2 } }),
    policy: { ...SNP, attributes: { vmplMaximum: 1 } },
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "a migration agent",
    verdict: makeSnp({ attributeFlags: { ...makeSnp().attributeFlags, migrationAgentAllowed: true } }),
    policy: SNP,
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  { name: "zeros behind the quote", verdict: makeTdx({ trailingBytes: 70 }), policy: TDX, code: null },
  {
    name: "zeros behind the quote, none wanted",
    verdict: makeTdx({ trailingBytes: 70 }),
    policy: { ...TDX, attributes: { trailingBytes: "none" } },
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
  {
    name: "other bytes behind the quote",
    verdict: makeTdx({ trailingBytes: 39, trailingBytesAllZero: false }),
    policy: TDX,
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
  },
];

for (const { name, verdict, policy, code } of TABLE) {
  test(`${name}: ${code ?? "accepted"}`, () => {
    const result = judge(verdict, policy);
    assert.deepEqual(codesOf(result), code === null ? [] : [code]);
    assert.equal(result.outcome, code === null ? "accepted" : "refused");
    assert.equal(result.earStatus === "contraindicated", code !== null);
  });
}

test("every rule of the appraisal refuses in some test of the table", () => {
  const spoken = new Set(
    TABLE.flatMap(({ verdict, policy }) => {
      const compiled = compilePolicy(readPolicy(policy));
      const { rules: reports } = appraise(verdict, compiled, parseInstant(NOW));
      return Object.entries(APPRAISAL_RULES)
        .filter(([, { check }]) => check({ verdict, compiled, now: parseInstant(NOW), reports }) !== null)
        .map(([name]) => name);
    }),
  );
  const elsewhere = ["window", "simulation"];
  assert.deepEqual([...spoken, ...elsewhere].toSorted(), Object.keys(APPRAISAL_RULES).toSorted());
});
