// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import { type Policy, parsePolicy } from "@bulwark/contracts/policy";
import { parseInstant } from "../../instant.ts";
import type { Verdict } from "../../verdict.ts";
import { appraise } from "../appraise.ts";
import { compilePolicy } from "../compile.ts";
import type { AttestationResult } from "../result.ts";
import { MEASUREMENT, MRENCLAVE, MRTD } from "./verdicts.ts";

export const NOW = "2026-03-01T12:00:00Z";

/** A policy as JSON has it, without its name. */
export type Draft = { [key: string]: unknown };

export const readPolicy = (draft: Draft): Policy => parsePolicy(JSON.stringify({ name: "p", ...draft }), { file: "p" });

/** What a policy says of a verdict. */
export const judge = (verdict: Verdict, draft: Draft, now = NOW): AttestationResult =>
  appraise(verdict, compilePolicy(readPolicy(draft)), parseInstant(now));

export const codesOf = (result: AttestationResult): readonly ErrorCode[] => result.findings.map(({ code }) => code);

/** Policies that accept the verdicts of tests. */
export const SGX = { allow: { code: { mrenclave: MRENCLAVE } } };
export const TDX = { allow: { domain: { mrtd: MRTD } } };
export const OLD_SNP = { snpMinimum: { snp: 1 } };
export const SNP = { allow: { guest: { measurement: MEASUREMENT } }, tcb: OLD_SNP };
