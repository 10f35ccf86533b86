// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { appraise } from "./appraise.ts";
import { compilePolicy } from "./compile.ts";
import { enforce } from "./enforce.ts";
import { codesOf, type Draft, judge, readPolicy, SGX, SNP, TDX } from "./testing/judge.ts";
import { MRENCLAVE, makeSgx, makeSnp, makeTdx } from "./testing/verdicts.ts";

test("evidence that fits an allow rule on a good platform is affirmed, and the result says which rule decided", () => {
  for (const [verdict, draft, rule, executables] of [
    [makeSgx(), SGX, "code", 2],
    [makeTdx(), TDX, "domain", 3],
    [makeSnp({ revocationChecked: true }), SNP, "guest", 3],
  ] as const) {
    const result = judge(verdict, draft);
    assert.equal(result.outcome, "accepted");
    assert.equal(result.allowRule, rule);
    assert.equal(result.earStatus, "affirming");
    assert.equal(result.trustworthiness.executables, executables);
    assert.equal(result.validUntil, verdict.window.to);
    assert.match(result.decision, new RegExp(`"${rule}"`));
    assert.equal(enforce(result).outcome, "accepted");
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
  }
});

test("nothing is accepted that no rule allows", () => {
  const result = judge(makeSgx(), {});
  assert.deepEqual(codesOf(result), ["APPRAISAL_NOT_ALLOWED"]);
  assert.equal(result.earStatus, "contraindicated");
  assert.equal(result.validUntil, null);
  assert.throws(
    () => enforce(result),
    (error) => error instanceof BulwarkError && error.code === "APPRAISAL_REFUSED",
  );
});

test("every reason is listed, the deciding one first", () => {
  const verdict = makeSgx({ tcbStatus: "OutOfDate", debug: true, advisoryIds: ["INTEL-SA-00615"] });
  const policy = {
    allow: { a: { mrenclave: "12".repeat(32) } },
    deny: { b: { mrenclave: MRENCLAVE } },
    tcb: { advisories: { deny: "INTEL-SA-00615" }, evaluationNumberMinimum: 99 },
    platforms: { ppidHash: "ab".repeat(32) },
  };
  assert.deepEqual(codesOf(judge(verdict, policy)), [
    "APPRAISAL_DEBUG",
    "APPRAISAL_DENIED",
    "APPRAISAL_NOT_ALLOWED",
    "APPRAISAL_TCB_STATUS",
    "APPRAISAL_ADVISORY_DENIED",
    "APPRAISAL_EVALUATION_LOW",
    "APPRAISAL_PLATFORM_UNKNOWN",
  ]);
});

test("a verdict is appraised within its window, or at its own instant", () => {
  assert.deepEqual(codesOf(judge(makeSgx(), SGX, "2026-03-15T00:00:00Z")), []);
  assert.deepEqual(codesOf(judge(makeSgx(), SGX, "2026-03-15T00:00:01Z")), ["APPRAISAL_EXPIRED"]);
  assert.deepEqual(codesOf(judge(makeSgx(), SGX, "2026-02-14T23:59:59Z")), ["APPRAISAL_EXPIRED"]);
  const stale = makeSgx({ window: { from: "2026-01-01T00:00:00Z", to: "2026-02-28T00:00:00Z" } });
  assert.deepEqual(codesOf(judge(stale, SGX)), []);
});

test("an instant that is none decides nothing", () => {
  const compiled = compilePolicy(readPolicy(SGX));
  for (const now of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    assert.throws(() => appraise(makeSgx(), compiled, now as never), { code: "INSTANT_INVALID" });
  }
});

test("simulated evidence needs a policy that names its root, and is never better than a warning", () => {
  const simulated = makeSgx({ simulated: true, debug: true, rootFingerprint: "ee".repeat(32) });
  assert.deepEqual(codesOf(judge(simulated, SGX)), ["APPRAISAL_SIMULATED"]);
  assert.deepEqual(codesOf(judge(simulated, { ...SGX, simulation: { root: "ef".repeat(32) } })), [
    "APPRAISAL_SIMULATED",
  ]);
  const accepted = judge(simulated, { ...SGX, simulation: { root: "ee".repeat(32) } });
  assert.deepEqual(codesOf(accepted), []);
  assert.equal(accepted.tee, "sim-sgx");
  assert.equal(accepted.earStatus, "warning");
  assert.equal(accepted.trustworthiness.hardware, 32);
  assert.ok(accepted.concerns.length > 0);
  const hardware = judge(makeSgx(), { ...SGX, simulation: { root: "44".repeat(32) } });
  assert.deepEqual(codesOf(hardware), ["APPRAISAL_NOT_SIMULATED"]);
});

test("a risky status that is accepted is a warning, and for no longer than the policy says", () => {
  const policy = { ...SGX, tcb: { accept: { OutOfDate: "2026-03-05" } } };
  const result = judge(makeSgx({ tcbStatus: "OutOfDate" }), policy);
  assert.equal(result.earStatus, "warning");
  assert.equal(result.validUntil, "2026-03-05T23:59:59Z");
});

test("a report of SEV-SNP without AMD's revocation list is a warning", () => {
  const result = judge(makeSnp(), SNP);
  assert.deepEqual([result.outcome, result.earStatus], ["accepted", "warning"]);
  assert.equal(result.concerns.length, 1);
});

test("two files that say the same have the same hash, others have not", () => {
  const hash = (draft: Draft): string => compilePolicy(readPolicy(draft)).sha256;
  assert.equal(
    hash({ allow: { a: { mrenclave: MRENCLAVE, isvProdId: 1 } }, tcb: {} }),
    hash({ tcb: {}, allow: { a: { isvProdId: 1, mrenclave: [MRENCLAVE.toUpperCase()] } } }),
  );
  assert.notEqual(hash(SGX), hash({ allow: { code: { mrenclave: "12".repeat(32) } } }));
});
