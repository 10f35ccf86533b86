// SPDX-License-Identifier: Apache-2.0
import type { VerdictTcbStatus } from "./tcb-status.ts";

/** Field names are those of `expected.json`; every value survives JSON. Hex is lower case, of fixed length per field. */
type Common = {
  /** Bytes of the signed body that the workload chose, 64 bytes in hex. */
  reportData: string;
  debug: boolean;
  /** The chain ends in a simulation root: nothing here speaks of hardware. */
  simulated: boolean;
  rootFingerprint: string;
  /** The instant the caller gave. */
  now: string;
  /** When the same evidence and collateral would pass: intersection of every validity involved. */
  window: { from: string; to: string };
  /** What was relied on beside the evidence, for the audit. */
  collateral: readonly CollateralRecord[];
};

export type CollateralItem =
  | "pckChain"
  | "rootCaCrl"
  | "pckCrl"
  | "tcbInfo"
  | "tcbInfoIssuerChain"
  | "qeIdentity"
  | "qeIdentityIssuerChain"
  | "endorsementChain"
  | "endorsementCrl";

export type CollateralRecord = {
  item: CollateralItem;
  /** SHA-256 of the signed bytes: DER of a CRL, the JSON text of an identity, the certificates of a chain one after another. */
  fingerprint: string;
  validFrom: string;
  validTo: string;
  /** Accepted beyond `validTo` under the caller's `collateralGraceDays`. */
  stale: boolean;
};

/** What DCAP says of a platform, common to SGX and TDX. */
type Dcap = Common & {
  quoteVersion: 3 | 4 | 5;
  /** Overall status after convergence of platform, QE and TDX module. */
  tcbStatus: VerdictTcbStatus;
  platformTcbStatus: VerdictTcbStatus;
  qeTcbStatus: VerdictTcbStatus;
  /** Null for SGX and for TDX module version zero. */
  moduleTcbStatus: VerdictTcbStatus | null;
  /** Sorted union over the matched levels. */
  advisoryIds: readonly string[];
  /** Earliest date of the matched levels. */
  tcbDate: string;
  tcbEvaluationDataNumber: number;
  fmspc: string;
  pceId: string;
  pckCa: "processor" | "platform";
  certificationDataType: number;
  platform: {
    /** SHA-256 of the PPID: names the package without giving away the PPID itself. */
    ppidHash: string;
    /** Platform instance id; only PCK certificates of the Platform CA have one. */
    piid: string | null;
  };
  trailingBytes: number;
  trailingBytesAllZero: boolean;
};

export type SgxMeasurements = {
  mrenclave: string;
  mrsigner: string;
  isvProdId: number;
  isvSvn: number;
  attributes: string;
  miscselect: string;
  cpuSvn: string;
  configId: string;
  configSvn: number;
  isvExtProdId: string;
  isvFamilyId: string;
};

export type SgxAttributeFlags = {
  init: boolean;
  debug: boolean;
  mode64: boolean;
  provisionKey: boolean;
  einittokenKey: boolean;
  kss: boolean;
};

export type SgxVerdict = Dcap & {
  tee: "sgx";
  bodyType: "sgx-enclave-report";
  measurements: SgxMeasurements;
  attributeFlags: SgxAttributeFlags;
};

export type TdMeasurements = {
  mrtd: string;
  rtmr0: string;
  rtmr1: string;
  rtmr2: string;
  rtmr3: string;
  mrseam: string;
  mrsignerseam: string;
  seamAttributes: string;
  tdAttributes: string;
  xfam: string;
  mrconfigid: string;
  mrowner: string;
  mrownerconfig: string;
  teeTcbSvn: string;
  /** TD 1.5 only. */
  teeTcbSvn2?: string;
  /** TD 1.5 only. */
  mrservicetd?: string;
};

export type TdAttributeFlags = {
  debug: boolean;
  septVeDisable: boolean;
  pks: boolean;
  keyLocker: boolean;
  perfmon: boolean;
};

export type TdxVerdict = Dcap & {
  tee: "tdx";
  bodyType: "td-report-1.0" | "td-report-1.5";
  measurements: TdMeasurements;
  attributeFlags: TdAttributeFlags;
};

export type SnpMeasurements = {
  measurement: string;
  hostData: string;
  idKeyDigest: string;
  authorKeyDigest: string;
  familyId: string;
  imageId: string;
  reportId: string;
  chipId: string;
  guestSvn: number;
  vmpl: number;
  /** TCB versions: 8 bytes as they stand in the report. */
  currentTcb: string;
  reportedTcb: string;
  committedTcb: string;
  launchTcb: string;
  /** Unsigned 64-bit numbers, most significant digit first. */
  policy: string;
  platformInfo: string;
  flags: number;
};

/** Bits of the guest policy (SEV-SNP firmware ABI, guest policy). */
export type SnpAttributeFlags = {
  debug: boolean;
  smtAllowed: boolean;
  migrationAgentAllowed: boolean;
  singleSocketRequired: boolean;
};

export type SnpVerdict = Common & {
  tee: "sev-snp";
  quoteVersion: 2 | 3 | 4 | 5;
  /** Processor family of the root, such as Milan. */
  product: string;
  endorsementKeyKind: "vcek" | "vlek";
  measurements: SnpMeasurements;
  attributeFlags: SnpAttributeFlags;
  /** SNP has no TCB status of the vendor: a minimum TCB is the policy's. */
  tcbStatus: null;
  qeTcbStatus: null;
  moduleTcbStatus: null;
  advisoryIds: readonly [];
  fmspc: null;
  /** Security versions that the reported TCB stands for, each to be compared with a minimum. */
  tcb: { bootloader: number; tee: number; snp: number; microcode: number; fmc: number | null };
  /** Whether AMD's CRL was at hand and checked. */
  revocationChecked: boolean;
};

/** The result of a verification in which every check passed (RFC 9334: what appraisal starts from). */
export type Verdict = SgxVerdict | TdxVerdict | SnpVerdict;
export type QuoteVerdict = SgxVerdict | TdxVerdict;
