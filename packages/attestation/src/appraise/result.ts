// SPDX-License-Identifier: Apache-2.0
import type { Finding } from "@bulwark/contracts/errors";
import type { Verdict } from "../verdict.ts";

/**
 * What a verifier says of an attester, by aspect (draft-ietf-rats-ar4si, section 2.3). 0 is no claim, 2 to 31 affirming,
 * 32 to 95 a warning, 96 and above contraindicated.
 */
export type TrustworthinessVector = {
  "instance-identity": number;
  configuration: number;
  executables: number;
  "file-system": number;
  hardware: number;
  "runtime-opaque": number;
  "storage-opaque": number;
  "sourced-data": number;
};

export type Claim = keyof TrustworthinessVector;

/** The overall status (draft-ietf-rats-ear, section 3.2). */
export type EarStatus = "affirming" | "warning" | "contraindicated" | "none";

/** How one rule of the policy fared: it fits when nothing misses. */
export type RuleReport = { kind: "allow" | "deny"; name: string; fits: boolean; misses: readonly string[] };

/** The kind of TEE, with its mark where it is simulated. */
export type ResultTee = Verdict["tee"] | `sim-${Verdict["tee"]}`;

/** The attestation result (RFC 9334): what a relying party decides by, and what the audit keeps. Survives JSON. */
export type AttestationResult = {
  outcome: "accepted" | "refused";
  /** Which rule decided and why, in one sentence. */
  decision: string;
  /** Every reason to refuse, the deciding one first; empty when accepted. */
  findings: readonly Finding[];
  /** What a reader should know of evidence that is accepted all the same. */
  concerns: readonly string[];
  earStatus: EarStatus;
  trustworthiness: TrustworthinessVector;
  tee: ResultTee;
  simulated: boolean;
  /** Name of the allow rule that fits; null when none does. */
  allowRule: string | null;
  rules: readonly RuleReport[];
  policy: { name: string; sha256: string };
  appraisedAt: string;
  /** Until when the same evidence would be accepted; null when it is refused. */
  validUntil: string | null;
  verdict: Verdict;
};
