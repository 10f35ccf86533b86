// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode, Finding } from "@bulwark/contracts/errors";
import type { Instant } from "../instant.ts";
import { parseInstant } from "../instant.ts";
import type { Verdict } from "../verdict.ts";
import type { CompiledPolicy } from "./compile.ts";
import { isOneOf, isZero } from "./digest.ts";
import type { Claim, RuleReport } from "./result.ts";

/** Everything a rule may look at. */
export type Appraised = { verdict: Verdict; compiled: CompiledPolicy; now: Instant; reports: readonly RuleReport[] };

/**
 * A reason to refuse, or nothing. `claim` is the aspect of trustworthiness that it is about, `value` what that aspect
 * becomes when the rule refuses.
 */
export type AppraisalRule = { claim: Claim; value: number; check: (appraised: Appraised) => Finding | null };

const refuse = (code: ErrorCode, message: string, mend: string): Finding => ({ code, message, mend });
const dcap = (verdict: Verdict) => (verdict.tee === "sev-snp" ? undefined : verdict);

const CONTRAINDICATED = 96;
const UNRECOGNISED = 97;
const DAY_MS = 86_400_000;
/** Collateral that is issued anew every few weeks; certificates last for years. */
const RENEWED: ReadonlySet<string> = new Set(["tcbInfo", "qeIdentity", "pckCrl", "rootCaCrl", "endorsementCrl"]);
/** XFAM bits 11 and 12, control-flow enforcement: guests differ in them without being worse. */
const CET = 0x1800n;

/** Why a TCB status is not accepted, or nothing. */
function checkStatus({ verdict, compiled, now }: Appraised): Finding | null {
  const { tcbStatus } = verdict;
  if (tcbStatus === null || tcbStatus === "UpToDate") return null;
  const until = compiled.acceptedUntil.get(tcbStatus);
  if (until !== undefined && now < until) return null;
  // With a list of advisories its author has judged them one by one; the rule on advisories sees to the rest.
  if (until === undefined && tcbStatus === "SWHardeningNeeded" && compiled.advisoriesAllowed !== undefined) return null;
  const mend = `update the platform, or accept it on purpose: tcb: {accept: {${tcbStatus}: YYYY-MM-DD}}`;
  return until === undefined
    ? refuse(
        "APPRAISAL_TCB_STATUS",
        `the platform's TCB status is ${tcbStatus}, which the policy does not accept`,
        mend,
      )
    : refuse("APPRAISAL_TCB_EXPIRED", `${tcbStatus} was accepted until ${formatDay(until - 1)}, which is over`, mend);
}

const formatDay = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

const withoutCet = (hex: string): string => {
  const bytes = Buffer.from(hex, "hex");
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE() & ~CET);
  return bytes.toString("hex");
};

const attribute = (
  check: (appraised: Appraised) => [message: string, mend: string] | false | undefined,
): AppraisalRule => ({
  claim: "configuration",
  value: CONTRAINDICATED,
  check: (appraised) => {
    const found = check(appraised);
    return found ? refuse("APPRAISAL_ATTRIBUTE_REFUSED", ...found) : null;
  },
});

/** SEV-SNP versions that are lower than the policy demands. */
const listLowVersions = ({ verdict, compiled }: Appraised): string[] =>
  verdict.tee !== "sev-snp"
    ? []
    : Object.entries(compiled.policy.tcb.snpMinimum).flatMap(([part, minimum]) => {
        // What a processor does not have is no version that could suffice.
        const actual = verdict.tcb[part as keyof typeof verdict.tcb];
        return actual === null || actual < minimum ? [`${part} ${actual ?? "none"} instead of ${minimum}`] : [];
      });

/** The appraisal itself. Order is the order of reasons: the first that speaks is the one that decided. */
export const APPRAISAL_RULES: Readonly<Record<string, AppraisalRule>> = {
  window: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: ({ verdict, now }) => {
      const { from, to } = verdict.window;
      // At the very instant of the verification its own rules on validity and grace have decided.
      if (now === parseInstant(verdict.now) || (now >= parseInstant(from) && now <= parseInstant(to))) return null;
      const message = `the verification holds from ${from} to ${to} only`;
      return refuse("APPRAISAL_EXPIRED", message, "verify the evidence again with collateral of today");
    },
  },
  debug: {
    claim: "runtime-opaque",
    value: CONTRAINDICATED,
    check: ({ verdict }) =>
      verdict.debug && !verdict.simulated
        ? refuse("APPRAISAL_DEBUG", "the TEE runs in debug mode, so its host can read it", "launch it without debug")
        : null,
  },
  simulation: {
    claim: "hardware",
    value: UNRECOGNISED,
    check: ({ verdict, compiled }) => {
      const { root } = compiled.policy.simulation;
      if (!verdict.simulated) {
        return root === undefined
          ? null
          : refuse(
              "APPRAISAL_NOT_SIMULATED",
              "the policy is for simulated evidence only",
              "use the policy for hardware",
            );
      }
      if (root !== undefined && isOneOf(verdict.rootFingerprint, [Buffer.from(root, "hex")])) return null;
      const message =
        root === undefined
          ? "the evidence is simulated"
          : "the evidence is simulated under another root than the policy's";
      return refuse(
        "APPRAISAL_SIMULATED",
        message,
        `on a test system only: simulation: {root: ${verdict.rootFingerprint}}`,
      );
    },
  },
  deny: {
    claim: "executables",
    value: CONTRAINDICATED,
    check: ({ reports }) => {
      const fitting = reports.filter(({ kind, fits }) => kind === "deny" && fits).map(({ name }) => `"${name}"`);
      return fitting.length === 0
        ? null
        : refuse("APPRAISAL_DENIED", `deny rule ${fitting.join(", ")} fits`, "run what the policy does not deny");
    },
  },
  allow: {
    claim: "executables",
    // Code nobody allowed is "not recognised", a warning, in the draft; here a refusal is never less than contraindicated.
    value: CONTRAINDICATED,
    check: ({ reports, verdict }) => {
      const allowing = reports.filter(({ kind }) => kind === "allow");
      if (allowing.some(({ fits }) => fits)) return null;
      const nearest = allowing.toSorted((one, two) => one.misses.length - two.misses.length)[0];
      const why =
        nearest === undefined
          ? "the policy allows nothing"
          : `no allow rule fits; nearest is "${nearest.name}": ${nearest.misses.join("; ")}`;
      const mend = `if this is the code you meant, add its measurements as a rule for tee ${verdict.tee}: bulwark attest show`;
      return refuse("APPRAISAL_NOT_ALLOWED", why, mend);
    },
  },
  tcbStatus: { claim: "hardware", value: CONTRAINDICATED, check: checkStatus },
  advisoriesDenied: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: ({ verdict, compiled }) => {
      const denied = verdict.advisoryIds.filter((id) => compiled.advisoriesDenied.has(id));
      return denied.length === 0
        ? null
        : refuse(
            "APPRAISAL_ADVISORY_DENIED",
            `the platform has ${denied.join(", ")}`,
            "update the platform's firmware",
          );
    },
  },
  advisoriesAllowed: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: ({ verdict, compiled: { advisoriesAllowed } }) => {
      const missing = advisoriesAllowed && verdict.advisoryIds.filter((id) => !advisoriesAllowed.has(id));
      if (missing === undefined || missing.length === 0) return null;
      const mend = "update the platform, or judge them and add them to tcb.advisories.allow";
      return refuse("APPRAISAL_ADVISORY_NOT_ALLOWED", `${missing.join(", ")} is not on the policy's list`, mend);
    },
  },
  evaluationNumber: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: ({ verdict, compiled }) => {
      const minimum = compiled.policy.tcb.evaluationNumberMinimum ?? 0;
      const actual = dcap(verdict)?.tcbEvaluationDataNumber ?? minimum;
      const message = `the TCB info has evaluation number ${actual}, the policy wants at least ${minimum}`;
      return actual >= minimum ? null : refuse("APPRAISAL_EVALUATION_LOW", message, "fetch collateral again");
    },
  },
  collateralAge: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: ({ verdict, compiled, now }) => {
      const days = compiled.policy.tcb.collateralDaysMaximum ?? Number.POSITIVE_INFINITY;
      const old = verdict.collateral.filter(
        ({ item, validFrom }) => RENEWED.has(item) && now - parseInstant(validFrom) > days * DAY_MS,
      );
      if (old.length === 0) return null;
      const message = `older than ${days} days: ${old.map(({ item }) => item).join(", ")}`;
      return refuse("APPRAISAL_COLLATERAL_OLD", message, "fetch collateral again: bulwark attest collateral fetch");
    },
  },
  snpVersions: {
    claim: "hardware",
    value: CONTRAINDICATED,
    check: (appraised) => {
      const low = listLowVersions(appraised);
      return low.length === 0
        ? null
        : refuse("APPRAISAL_SNP_TCB_LOW", `the platform has ${low.join(", ")}`, "update the platform's firmware");
    },
  },
  platform: {
    claim: "instance-identity",
    value: UNRECOGNISED,
    check: ({ verdict, compiled: { platforms } }) => {
      if (platforms.length === 0) return null;
      // A masked chip id is all zero: it names no machine, so it is on no list.
      const ids = verdict.tee === "sev-snp" ? [verdict.measurements.chipId] : Object.values(verdict.platform);
      if (ids.some((id) => id !== null && !isZero(id) && isOneOf(id, platforms))) return null;
      const message = "a genuine TEE, but not on a machine that the policy lists";
      return refuse("APPRAISAL_PLATFORM_UNKNOWN", message, "run it on your machines, or add this one to platforms");
    },
  },
  provisionKey: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "sgx" &&
      verdict.attributeFlags.provisionKey &&
      !compiled.policy.attributes.provisionKey && [
        "the enclave may use the provisioning key, which identifies the machine",
        "sign it without PROVISION_KEY",
      ],
  ),
  einittokenKey: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "sgx" &&
      verdict.attributeFlags.einittokenKey &&
      !compiled.policy.attributes.einittokenKey && [
        "the enclave may make launch tokens",
        "sign it without EINITTOKEN_KEY",
      ],
  ),
  septVeDisable: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "tdx" &&
      !verdict.attributeFlags.septVeDisable &&
      compiled.policy.attributes.septVeDisable === "required" && [
        "SEPT_VE_DISABLE is clear",
        "launch the domain with sept-ve-disable, or on a host that allows it",
      ],
  ),
  perfmon: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "tdx" &&
      verdict.attributeFlags.perfmon &&
      compiled.policy.attributes.perfmon === "refused" && [
        "the domain has performance counters",
        "launch the domain without PERFMON",
      ],
  ),
  xfam: attribute(
    ({ verdict, compiled: { xfam } }) =>
      verdict.tee === "tdx" &&
      xfam.length > 0 &&
      !isOneOf(
        withoutCet(verdict.measurements.xfam),
        xfam.map((value) => Buffer.from(withoutCet(value.toString("hex")), "hex")),
      ) && [`XFAM is ${verdict.measurements.xfam}`, "launch the domain with the features that the policy lists"],
  ),
  serviceDomain: attribute(
    ({ verdict, compiled, reports }) =>
      verdict.tee === "tdx" &&
      !isZero(verdict.measurements.mrservicetd ?? "") &&
      !reports.some(
        ({ kind, fits, name }) => kind === "allow" && fits && compiled.policy.allow[name]?.mrservicetd !== undefined,
      ) && ["a service domain is bound to this one", "list its MRSERVICETD in the allow rule, or launch without it"],
  ),
  vmpl: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "sev-snp" &&
      verdict.measurements.vmpl > (compiled.policy.attributes.vmplMaximum ?? Number.POSITIVE_INFINITY) && [
        `the report was asked for from privilege level ${verdict.measurements.vmpl}`,
        "ask for it from a more privileged level",
      ],
  ),
  migrationAgent: attribute(
    ({ verdict, compiled }) =>
      verdict.tee === "sev-snp" &&
      verdict.attributeFlags.migrationAgentAllowed &&
      !compiled.policy.attributes.migrationAgent && [
        "a migration agent may move this guest",
        "launch it with a guest policy that forbids migration agents",
      ],
  ),
  trailingBytes: attribute(({ verdict, compiled }) => {
    const { trailingBytes = 0, trailingBytesAllZero = true } = dcap(verdict) ?? {};
    const rule = compiled.policy.attributes.trailingBytes;
    const isWrong = trailingBytes > 0 && (rule === "none" || (rule === "zero" && !trailingBytesAllZero));
    return (
      isWrong && [
        `${trailingBytes} bytes that nobody signed follow the quote`,
        "cut them off, or set attributes: {trailingBytes: any}",
      ]
    );
  }),
};
