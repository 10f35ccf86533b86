// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from "../verdict.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Claim, EarStatus, TrustworthinessVector } from "./result.ts";

const AFFIRMING = 2;
const APPROVED_BOOT = 3;
const WARNING = 32;
const CONTRAINDICATED = 96;

/** Statuses with which a platform is as its vendor wants it, once its advisories have been judged. */
const GOOD_STATUSES: ReadonlySet<string> = new Set(["UpToDate", "SWHardeningNeeded"]);

/** Something that lowers an aspect without refusing: which aspect, to what, and why. */
export type Concern = { claim: Claim; value: number; message: string };

type Look = (verdict: Verdict, compiled: CompiledPolicy) => string | false;
const concern = (claim: Claim, look: Look): { claim: Claim; look: Look } => ({ claim, look });

const CONCERNS: readonly { claim: Claim; look: Look }[] = [
  concern("hardware", ({ simulated }) => simulated && "simulated: nothing here is protected by hardware"),
  concern("runtime-opaque", ({ simulated }) => simulated && "simulated: whoever runs it can read its memory"),
  concern("hardware", ({ tcbStatus }) => {
    return (
      tcbStatus !== null && !GOOD_STATUSES.has(tcbStatus) && `the platform is ${tcbStatus}: it has known weaknesses`
    );
  }),
  concern(
    "hardware",
    (verdict) =>
      verdict.tee === "sev-snp" &&
      !verdict.revocationChecked &&
      "AMD's revocation list was not given, so a revoked chip would not be noticed",
  ),
  concern("hardware", ({ collateral }) => {
    const stale = collateral.filter(({ stale }) => stale).map(({ item }) => item);
    return stale.length > 0 && `used beyond its next update: ${stale.join(", ")}`;
  }),
];

/** What should be known of evidence, whatever the policy says. */
export const listConcerns = (verdict: Verdict, compiled: CompiledPolicy): Concern[] =>
  CONCERNS.flatMap(({ claim, look }) => {
    const message = look(verdict, compiled);
    return message === false ? [] : [{ claim, value: WARNING, message }];
  });

/** Aspects of evidence that passed every check: what was compared is affirmed, of the rest nothing is claimed. */
export function affirm(verdict: Verdict, compiled: CompiledPolicy): TrustworthinessVector {
  return {
    "instance-identity": compiled.platforms.length > 0 ? AFFIRMING : 0,
    configuration: AFFIRMING,
    // An enclave is all that runs in it; a virtual machine is measured while it starts.
    executables: verdict.tee === "sgx" ? AFFIRMING : APPROVED_BOOT,
    "file-system": 0,
    hardware: AFFIRMING,
    "runtime-opaque": AFFIRMING,
    "storage-opaque": 0,
    "sourced-data": 0,
  };
}

/** The worst of the aspects (draft-ietf-rats-ear, section 3.2). */
export function toEarStatus(vector: TrustworthinessVector): EarStatus {
  const worst = Math.max(...Object.values(vector));
  if (worst >= CONTRAINDICATED) return "contraindicated";
  if (worst >= WARNING) return "warning";
  return worst >= AFFIRMING ? "affirming" : "none";
}
