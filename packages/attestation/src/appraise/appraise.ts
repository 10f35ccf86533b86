// SPDX-License-Identifier: Apache-2.0
import type { Finding } from "@bulwark/contracts/errors";
import { formatInstant, type Instant, parseInstant, toInstant } from "../instant.ts";
import type { Verdict } from "../verdict.ts";
import type { CompiledPolicy } from "./compile.ts";
import { describeFit, reportRule } from "./conditions.ts";
import type { AttestationResult, TrustworthinessVector } from "./result.ts";
import { APPRAISAL_RULES, type AppraisalRule } from "./rules.ts";
import { affirm, type Concern, listConcerns, toEarStatus } from "./trustworthiness.ts";

type Refusal = { rule: AppraisalRule; finding: Finding };

/** Lowers what refusals and concerns are about. */
function judge(start: TrustworthinessVector, refusals: readonly Refusal[], concerns: readonly Concern[]) {
  const vector = { ...start };
  for (const { claim, value } of [...concerns, ...refusals.map(({ rule }) => rule)]) {
    vector[claim] = Math.max(vector[claim], value);
  }
  return vector;
}

/** Until when the same evidence would be accepted: the window of the verification, and the day the policy names. */
function findEnd(verdict: Verdict, compiled: CompiledPolicy): string {
  const accepted = compiled.acceptedUntil.get(verdict.tcbStatus ?? "") ?? Number.POSITIVE_INFINITY;
  const end = Math.min(parseInstant(verdict.window.to), Number.isFinite(accepted) ? accepted - 1 : accepted);
  return formatInstant(toInstant(end));
}

/**
 * Judges verified evidence by a policy. Deny by default: every rule must agree, a deny rule beats every allow rule, and
 * all reasons are listed. Pure: the same verdict, policy and instant give the same result.
 *
 * @param verdict what verification gave; nothing else can be appraised
 * @param compiled the policy, from `compilePolicy`
 * @param now the instant of the decision
 */
export function appraise(verdict: Verdict, compiled: CompiledPolicy, now: Instant): AttestationResult {
  const at = toInstant(now);
  const reports = compiled.rules.map((rule) => reportRule(rule, verdict));
  const refusals = Object.values(APPRAISAL_RULES).flatMap((rule): Refusal[] => {
    const finding = rule.check({ verdict, compiled, now: at, reports });
    return finding === null ? [] : [{ rule, finding }];
  });
  const concerns = listConcerns(verdict, compiled);
  const trustworthiness = judge(affirm(verdict, compiled), refusals, concerns);
  const allowing = compiled.rules.find((rule, index) => rule.kind === "allow" && reports[index]?.fits === true);
  const [first] = refusals;
  const fit = allowing === undefined ? "" : `allow rule "${allowing.name}" fits: ${describeFit(allowing, verdict)}`;
  const status = verdict.tcbStatus === null ? "" : `; TCB status ${verdict.tcbStatus}`;
  return {
    outcome: first === undefined ? "accepted" : "refused",
    decision: first === undefined ? `${fit}${status}` : first.finding.message,
    findings: refusals.map(({ finding }) => finding),
    concerns: concerns.map(({ message }) => message),
    earStatus: toEarStatus(trustworthiness),
    trustworthiness,
    tee: verdict.simulated ? `sim-${verdict.tee}` : verdict.tee,
    simulated: verdict.simulated,
    allowRule: allowing?.name ?? null,
    rules: reports,
    policy: { name: compiled.policy.name, sha256: compiled.sha256 },
    appraisedAt: formatInstant(at),
    validUntil: first === undefined ? findEnd(verdict, compiled) : null,
    verdict,
  };
}
