// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** Whose evidence a root may anchor: Intel's SGX and TDX, AMD's SEV-SNP, or a simulation of any of them. */
export type RootKind = "intel" | "amd" | "simulation";

/** A root certificate that is trusted because its bytes are known, whatever its name says. */
export type TrustedRoot = {
  kind: RootKind;
  /** SHA-256 of the DER certificate, 64 lower-case hex digits. */
  fingerprint: string;
};

/** The roots of one verifier. Nothing else is ever trusted. */
export type TrustedRoots = readonly TrustedRoot[];

/** Intel SGX Root CA, valid 2018-05-21 to 2049-12-31 (certificates.trustedservices.intel.com). */
export const INTEL_SGX_ROOT: TrustedRoot = {
  kind: "intel",
  fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
};

/**
 * AMD's root keys ARK-Milan, ARK-Genoa, ARK-Turin (kdsintf.amd.com), each self-signed and good for VCEK and VLEK. That of
 * Milan was met in real evidence; the other two were taken over from google/go-sev-guest and confidential-containers/trustee.
 */
export const AMD_ROOTS: TrustedRoots = [
  { kind: "amd", fingerprint: "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd" },
  { kind: "amd", fingerprint: "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1" },
  { kind: "amd", fingerprint: "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a" },
];

/** What evidence from real hardware is anchored in. */
export const HARDWARE_ROOTS: TrustedRoots = [INTEL_SGX_ROOT, ...AMD_ROOTS];

const KINDS: ReadonlySet<string> = new Set<RootKind>(["intel", "amd", "simulation"]);

/**
 * Checks the roots that a caller gave.
 *
 * @throws TRUSTED_ROOTS_INVALID when there is none, one has another form, or one fingerprint stands for two kinds
 */
export function checkTrustedRoots(roots: TrustedRoots): void {
  const kinds = new Map(roots.map(({ fingerprint, kind }) => [fingerprint, kind]));
  const isSound = roots.every(
    ({ kind, fingerprint }) => KINDS.has(kind) && /^[0-9a-f]{64}$/.test(fingerprint) && kinds.get(fingerprint) === kind,
  );
  if (roots.length > 0 && isSound) return;
  throw new BulwarkError(
    "TRUSTED_ROOTS_INVALID",
    "The trusted roots are empty, or one has not the form of a kind and a SHA-256 in lower-case hex.",
    "name each root by its kind and the SHA-256 of its DER certificate, each certificate once",
  );
}
