// SPDX-License-Identifier: Apache-2.0
import type { ChainRules } from "./chain.ts";

const REFETCH = "fetch the collateral again: bulwark attest collateral fetch";
const NONE: ReadonlySet<string> = new Set();

const INTEL_ROOT = { name: /SGX Root CA/, keyKind: "p256", mustSayUsage: true } as const;

/** Leaf, Platform or Processor CA, root (Intel SGX PCK Certificate and CRL Profile). */
export const PCK_CHAIN: ChainRules = {
  item: "PCK chain",
  mend: "take the quote again; if it says the same, the machine's PCK certificate has to be provisioned again",
  rootKinds: ["intel", "simulation"],
  links: [
    { name: /SGX PCK Certificate/, keyKind: "p256", mustSayUsage: true },
    { name: /SGX PCK (Platform|Processor) CA/, keyKind: "p256", mustSayUsage: true },
    INTEL_ROOT,
  ],
  understood: NONE,
  codes: {
    malformed: "PCK_CHAIN_MALFORMED",
    name: "PCK_CHAIN_NAME_WRONG",
    signature: "PCK_CHAIN_SIGNATURE_INVALID",
    constraint: "PCK_CHAIN_CONSTRAINT_BROKEN",
    notCurrent: "PCK_CHAIN_NOT_CURRENT",
  },
};

/** Signer of TCB info and QE identity, directly under the root. */
export const TCB_SIGNER_CHAIN: ChainRules = {
  item: "chain of the TCB signer",
  mend: REFETCH,
  rootKinds: ["intel", "simulation"],
  links: [{ name: /SGX TCB Signing/, keyKind: "p256", mustSayUsage: true }, INTEL_ROOT],
  understood: NONE,
  codes: {
    malformed: "TCB_SIGNER_MALFORMED",
    name: "TCB_SIGNER_NAME_WRONG",
    signature: "TCB_SIGNER_SIGNATURE_INVALID",
    constraint: "TCB_SIGNER_CONSTRAINT_BROKEN",
    notCurrent: "TCB_SIGNER_NOT_CURRENT",
  },
};

/** VCEK or VLEK, AMD's intermediate, AMD's root (AMD VCEK Certificate and KDS Interface Specification). */
export const SNP_CHAINS: Readonly<Record<"vcek" | "vlek", ChainRules>> = {
  vcek: snpChain(/^SEV-VCEK$/, /^SEV-(?!VLEK)/),
  vlek: snpChain(/^SEV-VLEK$/, /^SEV-VLEK-/),
};

function snpChain(leaf: RegExp, intermediate: RegExp): ChainRules {
  return {
    item: "endorsement chain",
    mend: "fetch the certificate of this chip and its chain again from AMD's key distribution service",
    rootKinds: ["amd", "simulation"],
    links: [
      { name: leaf, keyKind: "p384", mustSayUsage: false },
      { name: intermediate, keyKind: "rsa", mustSayUsage: true },
      { name: /^ARK-/, keyKind: "rsa", mustSayUsage: true },
    ],
    understood: NONE,
    codes: {
      malformed: "SNP_CHAIN_MALFORMED",
      name: "SNP_CHAIN_NAME_WRONG",
      signature: "SNP_CHAIN_SIGNATURE_INVALID",
      constraint: "SNP_CHAIN_CONSTRAINT_BROKEN",
      notCurrent: "SNP_CHAIN_NOT_CURRENT",
    },
  };
}
