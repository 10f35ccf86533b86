// SPDX-License-Identifier: Apache-2.0
import type { Conditions } from "./schema.ts";

/** The kind of TEE that a condition belongs to; conditions that are not here fit several. */
export const TEE_OF: Readonly<Partial<Record<keyof Conditions, "sgx" | "tdx" | "sev-snp">>> = {
  mrenclave: "sgx",
  mrsigner: "sgx",
  isvProdId: "sgx",
  isvSvnMinimum: "sgx",
  isvSvnMaximum: "sgx",
  configId: "sgx",
  mrtd: "tdx",
  rtmr0: "tdx",
  rtmr1: "tdx",
  rtmr2: "tdx",
  rtmr3: "tdx",
  mrconfigid: "tdx",
  mrowner: "tdx",
  mrownerconfig: "tdx",
  mrservicetd: "tdx",
  mrseam: "tdx",
  measurement: "sev-snp",
  hostData: "sev-snp",
  idKeyDigest: "sev-snp",
  chipId: "sev-snp",
};
