// SPDX-License-Identifier: Apache-2.0

/** QE vendor id of Intel: accepted under a root of kind `intel` alone. */
export const INTEL_QE_VENDOR_ID = "939a7233f79c4ca9940a0db3957f0607";
/** ASCII "bulwark-simulate": accepted under a root of kind `simulation` alone. */
export const SIMULATION_QE_VENDOR_ID = Buffer.from("bulwark-simulate", "latin1").toString("hex");

/** Fields are views of the quote's bytes; nothing is copied, and nothing here has been verified. */
export type QuoteHeader = {
  version: 3 | 4 | 5;
  attestationKeyType: number;
  teeType: number;
  /** Version 3 only; reserved later. */
  qeSvn: number;
  /** Version 3 only; reserved later. */
  pceSvn: number;
  /** Hex. */
  qeVendorId: string;
  userData: Uint8Array;
};

export type SgxBody = {
  type: "sgx-enclave-report";
  cpuSvn: Uint8Array;
  miscselect: Uint8Array;
  isvExtProdId: Uint8Array;
  /** Flags (8 bytes) and XFRM (8 bytes). */
  attributes: Uint8Array;
  mrenclave: Uint8Array;
  mrsigner: Uint8Array;
  configId: Uint8Array;
  isvProdId: number;
  isvSvn: number;
  configSvn: number;
  isvFamilyId: Uint8Array;
  reportData: Uint8Array;
};

export type TdBody = {
  type: "td-report-1.0" | "td-report-1.5";
  teeTcbSvn: Uint8Array;
  mrseam: Uint8Array;
  mrsignerseam: Uint8Array;
  seamAttributes: Uint8Array;
  tdAttributes: Uint8Array;
  xfam: Uint8Array;
  mrtd: Uint8Array;
  mrconfigid: Uint8Array;
  mrowner: Uint8Array;
  mrownerconfig: Uint8Array;
  rtmr0: Uint8Array;
  rtmr1: Uint8Array;
  rtmr2: Uint8Array;
  rtmr3: Uint8Array;
  reportData: Uint8Array;
  /** TD 1.5 only. */
  teeTcbSvn2?: Uint8Array;
  /** TD 1.5 only. */
  mrservicetd?: Uint8Array;
};

export type CertificationData = { type: number; data: Uint8Array };

export type Quote = {
  tee: "sgx" | "tdx";
  header: QuoteHeader;
  body: SgxBody | TdBody;
  /** Header and body (version 5: with the body descriptor): what the attestation key signs. */
  signedBytes: Uint8Array;
  /** r || s. */
  signature: Uint8Array;
  /** x || y of a P-256 point. */
  attestationKey: Uint8Array;
  qeReport: SgxBody;
  /** The 384 bytes that the PCK key signs. */
  qeReportBytes: Uint8Array;
  qeReportSignature: Uint8Array;
  qeAuthData: Uint8Array;
  certificationData: CertificationData;
  /** Length up to the declared end. */
  declaredLength: number;
  /** What follows it: signed by nobody. */
  trailing: Uint8Array;
};
