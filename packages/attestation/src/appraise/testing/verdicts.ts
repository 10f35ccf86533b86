// SPDX-License-Identifier: Apache-2.0
import type { SgxVerdict, SnpVerdict, TdxVerdict } from "../../verdict.ts";

/** Verdicts as a verification could give them, for tests of what is made of them. */
const COMMON = {
  reportData: "0".repeat(128),
  debug: false,
  simulated: false,
  rootFingerprint: "44".repeat(32),
  now: "2026-03-01T12:00:00Z",
  window: { from: "2026-02-15T00:00:00Z", to: "2026-03-15T00:00:00Z" },
  collateral: [],
} as const;

const DCAP = {
  tcbStatus: "UpToDate",
  platformTcbStatus: "UpToDate",
  qeTcbStatus: "UpToDate",
  advisoryIds: [],
  tcbDate: "2025-11-12T00:00:00Z",
  tcbEvaluationDataNumber: 19,
  fmspc: "50806f000000",
  pceId: "0000",
  pckCa: "platform",
  certificationDataType: 5,
  platform: { ppidHash: "aa".repeat(32), piid: "bb".repeat(16) },
  trailingBytes: 0,
  trailingBytesAllZero: true,
} as const;

export const MRENCLAVE = "11".repeat(32);
export const MRSIGNER = "22".repeat(32);
export const MRTD = "33".repeat(48);
export const MEASUREMENT = "55".repeat(48);

export const makeSgx = (overrides: Partial<SgxVerdict> = {}): SgxVerdict => ({
  ...COMMON,
  ...DCAP,
  tee: "sgx",
  quoteVersion: 3,
  bodyType: "sgx-enclave-report",
  moduleTcbStatus: null,
  measurements: {
    mrenclave: MRENCLAVE,
    mrsigner: MRSIGNER,
    isvProdId: 7,
    isvSvn: 4,
    attributes: "0500000000000000e700000000000000",
    miscselect: "00000000",
    cpuSvn: "00".repeat(16),
    configId: "00".repeat(64),
    configSvn: 0,
    isvExtProdId: "00".repeat(16),
    isvFamilyId: "00".repeat(16),
  },
  attributeFlags: { init: true, debug: false, mode64: true, provisionKey: false, einittokenKey: false, kss: false },
  ...overrides,
});

export const makeTdx = (overrides: Partial<TdxVerdict> = {}): TdxVerdict => ({
  ...COMMON,
  ...DCAP,
  tee: "tdx",
  quoteVersion: 4,
  bodyType: "td-report-1.0",
  moduleTcbStatus: "UpToDate",
  measurements: {
    mrtd: MRTD,
    rtmr0: "40".repeat(48),
    rtmr1: "41".repeat(48),
    rtmr2: "42".repeat(48),
    rtmr3: "00".repeat(48),
    mrseam: "43".repeat(48),
    mrsignerseam: "00".repeat(48),
    seamAttributes: "00".repeat(8),
    tdAttributes: "0000001000000000",
    xfam: "e700060000000000",
    mrconfigid: "44".repeat(48),
    mrowner: "00".repeat(48),
    mrownerconfig: "00".repeat(48),
    teeTcbSvn: "05010600000000000000000000000000",
  },
  attributeFlags: { debug: false, septVeDisable: true, pks: false, keyLocker: false, perfmon: false },
  ...overrides,
});

export const makeSnp = (overrides: Partial<SnpVerdict> = {}): SnpVerdict => ({
  ...COMMON,
  tee: "sev-snp",
  quoteVersion: 3,
  product: "Milan",
  endorsementKeyKind: "vcek",
  measurements: {
    measurement: MEASUREMENT,
    hostData: "66".repeat(32),
    idKeyDigest: "00".repeat(48),
    authorKeyDigest: "00".repeat(48),
    familyId: "00".repeat(16),
    imageId: "00".repeat(16),
    reportId: "77".repeat(32),
    chipId: "88".repeat(64),
    guestSvn: 1,
    vmpl: 0,
    currentTcb: "0300000000000873",
    reportedTcb: "0300000000000873",
    committedTcb: "0300000000000873",
    launchTcb: "0300000000000873",
    policy: "0000000000020000",
    platformInfo: "0000000000000001",
    flags: 0,
  },
  attributeFlags: { debug: false, smtAllowed: false, migrationAgentAllowed: false, singleSocketRequired: false },
  tcbStatus: null,
  qeTcbStatus: null,
  moduleTcbStatus: null,
  advisoryIds: [],
  fmspc: null,
  tcb: { bootloader: 3, tee: 0, snp: 8, microcode: 115, fmc: null },
  revocationChecked: false,
  ...overrides,
});
