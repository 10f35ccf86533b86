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
  userData: Buffer;
};

export type SgxBody = {
  type: "sgx-enclave-report";
  cpuSvn: Buffer;
  miscselect: Buffer;
  isvExtProdId: Buffer;
  /** Flags (8 bytes) and XFRM (8 bytes). */
  attributes: Buffer;
  mrenclave: Buffer;
  mrsigner: Buffer;
  configId: Buffer;
  isvProdId: number;
  isvSvn: number;
  configSvn: number;
  isvFamilyId: Buffer;
  reportData: Buffer;
};

export type TdBody = {
  type: "td-report-1.0" | "td-report-1.5";
  teeTcbSvn: Buffer;
  mrseam: Buffer;
  mrsignerseam: Buffer;
  seamAttributes: Buffer;
  tdAttributes: Buffer;
  xfam: Buffer;
  mrtd: Buffer;
  mrconfigid: Buffer;
  mrowner: Buffer;
  mrownerconfig: Buffer;
  rtmr0: Buffer;
  rtmr1: Buffer;
  rtmr2: Buffer;
  rtmr3: Buffer;
  reportData: Buffer;
  /** TD 1.5 only. */
  teeTcbSvn2?: Buffer;
  /** TD 1.5 only. */
  mrservicetd?: Buffer;
};

export type CertificationData = { type: number; data: Buffer };

export type Quote = {
  tee: "sgx" | "tdx";
  header: QuoteHeader;
  body: SgxBody | TdBody;
  /** Header and body (version 5: with the body descriptor): what the attestation key signs. */
  signedBytes: Buffer;
  /** r || s. */
  signature: Buffer;
  /** x || y of a P-256 point. */
  attestationKey: Buffer;
  qeReport: SgxBody;
  /** The 384 bytes that the PCK key signs. */
  qeReportBytes: Buffer;
  qeReportSignature: Buffer;
  qeAuthData: Buffer;
  certificationData: CertificationData;
  /** Length up to the declared end. */
  declaredLength: number;
  /** What follows it: signed by nobody. */
  trailing: Buffer;
};
