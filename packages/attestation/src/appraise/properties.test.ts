// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Verdict } from "../verdict.ts";
import { codesOf, judge } from "./testing/judge.ts";
import { MEASUREMENT, MRSIGNER, MRTD, makeSgx, makeTdx } from "./testing/verdicts.ts";

const H32 = fc.constantFrom("11".repeat(32), "12".repeat(32), "22".repeat(32));
const rule = fc.oneof(
  fc.record({ mrenclave: H32 }),
  fc.record({
    mrsigner: H32,
    isvProdId: fc.integer({ min: 6, max: 8 }),
    isvSvnMinimum: fc.integer({ min: 3, max: 5 }),
  }),
  fc.record({ mrtd: fc.constantFrom(MRTD, "34".repeat(48)) }),
  fc.record({ measurement: fc.constantFrom(MEASUREMENT, "56".repeat(48)) }),
);
const denial = fc.oneof(
  rule,
  fc.record({ fmspc: fc.constantFrom("50806f000000", "000000000000") }),
  fc.record({ isvSvnMaximum: fc.nat(6) }),
);
const rules = (one: fc.Arbitrary<object>) => fc.dictionary(fc.constantFrom("a", "b", "c", "d"), one, { maxKeys: 4 });
const policies = fc.record({
  allow: rules(rule),
  deny: rules(denial),
  tcb: fc.record({
    snpMinimum: fc.constant({ snp: 1 }),
    accept: fc.constantFrom({}, { OutOfDate: "2026-03-05" }, { SWHardeningNeeded: "always" }),
    advisories: fc.constantFrom({}, { allow: ["INTEL-SA-00615"] }, { deny: ["INTEL-SA-00615"] }),
  }),
});
const verdicts: fc.Arbitrary<Verdict> = fc
  .record({
    make: fc.constantFrom(makeSgx, makeTdx),
    tcbStatus: fc.constantFrom("UpToDate", "SWHardeningNeeded", "OutOfDate" as const),
    advisoryIds: fc.constantFrom<string[]>([], ["INTEL-SA-00615"]),
  })
  .map(({ make, ...overrides }): Verdict => (make as (overrides: object) => Verdict)(overrides));

test("property: adding a deny rule never opens anything, and never improves a status", () => {
  const order = ["none", "affirming", "warning", "contraindicated"];
  fc.assert(
    fc.property(verdicts, policies, denial, (verdict, policy, added) => {
      const before = judge(verdict, policy);
      const after = judge(verdict, { ...policy, deny: { ...policy.deny, added } });
      assert.ok(before.outcome === "accepted" || after.outcome === "refused");
      assert.ok(order.indexOf(after.earStatus) >= order.indexOf(before.earStatus));
      for (const code of codesOf(before)) assert.ok(codesOf(after).includes(code));
    }),
    { numRuns: 500 },
  );
});

test("property: denying an advisory or listing platforms never opens anything", () => {
  fc.assert(
    fc.property(verdicts, policies, (verdict, policy) => {
      if (judge(verdict, policy).outcome === "accepted") return;
      const advisories = { ...policy.tcb.advisories, allow: undefined, deny: ["INTEL-SA-00289"] };
      const stricter = { ...policy, platforms: { ppidHash: "aa".repeat(32) } };
      assert.equal(judge(verdict, stricter).outcome, "refused");
      if (policy.tcb.advisories.allow === undefined && policy.tcb.advisories.deny === undefined) {
        assert.equal(judge(verdict, { ...policy, tcb: { ...policy.tcb, advisories } }).outcome, "refused");
      }
    }),
  );
});

test("property: raising the enclave's security version never worsens what an allow rule says", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(20), fc.nat(20), (svn, more, minimum) => {
      const policy = { allow: { a: { mrsigner: MRSIGNER, isvProdId: 7, isvSvnMinimum: minimum } } };
      const at = (isvSvn: number) =>
        judge(makeSgx({ measurements: { ...makeSgx().measurements, isvSvn } }), policy).outcome;
      assert.ok(at(svn) === "refused" || at(svn + more) === "accepted");
    }),
  );
});
