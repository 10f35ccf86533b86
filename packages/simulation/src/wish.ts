// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import type { CertificateSpec, CrlSpec } from "./certificate.ts";
import type { Platform } from "./sgx-extension.ts";

/** TCB statuses that Intel gives to levels. */
export type TcbStatus =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "Revoked";

/** Measurements of an enclave; each buffer has the length of its field. */
export type EnclaveWish = {
  mrenclave: Buffer;
  mrsigner: Buffer;
  isvProdId: number;
  isvSvn: number;
  configId: Buffer;
  configSvn: number;
  /** Flags beside INIT, DEBUG and MODE64, for instance 0x10 for the provisioning key. */
  flags: bigint;
};

/** Measurements of a trust domain. */
export type DomainWish = {
  mrtd: Buffer;
  rtmr: readonly [Buffer, Buffer, Buffer, Buffer];
  mrconfigid: Buffer;
  mrowner: Buffer;
  mrownerconfig: Buffer;
  mrservicetd: Buffer;
  /** Beside DEBUG; SEPT_VE_DISABLE is 1 << 28. */
  attributes: bigint;
  xfam: bigint;
  teeTcbSvn: Buffer;
  /** TD 1.5 only: the module that the domain would have after a relaunch. */
  teeTcbSvn2: Buffer;
  /** What the TCB info is made for, where that is newer than the domain. */
  newestTcbSvn?: Buffer;
};

/** Everything about simulated Intel evidence that can be asked for. */
export type IntelWish = {
  tee: "sgx" | "tdx";
  version: 3 | 4 | 5;
  /** Only in version 5: 1 SGX, 2 TD 1.0, 3 TD 1.5. */
  bodyType: 1 | 2 | 3;
  reportData: Buffer;
  enclave: EnclaveWish;
  domain: DomainWish;
  platform: Platform;
  qeSvn: number;
  status: TcbStatus;
  qeStatus: TcbStatus;
  moduleStatus: TcbStatus;
  advisoryIds: readonly string[];
  tcbEvaluationDataNumber: number;
  ca: "platform" | "processor";
};

/** What is signed or made; each can be adjusted on the way. */
export type CertificateRole = "root" | "intermediate" | "pck" | "tcbSigning";
export type CrlRole = "rootCrl" | "pckCrl";
export type Signed = CertificateRole | CrlRole | "tcbInfo" | "qeIdentity" | "qeReport" | "quote";

/** One JSON value of collateral before it is signed; a text is signed as it is. */
export type Json = { [key: string]: unknown };

/** Collateral in the shape of a bundle file. */
export type Collateral = {
  tcbInfo: { issuerChainPem: string; body: string; signatureHex: string } | null;
  qeIdentity: { issuerChainPem: string; body: string; signatureHex: string } | null;
  pckCrl: { issuerChainPem: string; derBase64: string } | null;
  rootCaCrl: { derBase64: string } | null;
  pckChainPem?: string;
};

/** Points at which simulated evidence can be made wrong. Each gets what is right and gives what is used instead. */
export type Adjust = {
  certificate?: (role: CertificateRole, spec: CertificateSpec) => CertificateSpec;
  crl?: (role: CrlRole, spec: CrlSpec) => CrlSpec;
  tcbInfo?: (body: Json) => Json | string;
  qeIdentity?: (body: Json) => Json | string;
  /** The quoting enclave's report, 384 bytes, before it is signed. */
  qeReport?: (report: Buffer) => Buffer;
  /** Header and body as they will be signed. */
  signedPart?: (bytes: Buffer) => Buffer;
  /** Which key signs something. */
  key?: (what: Signed, right: KeyObject) => KeyObject;
  /** The chain inside the quote, leaf first. */
  chain?: (pem: readonly string[]) => readonly string[];
  /** The finished quote. */
  evidence?: (quote: Buffer) => Buffer;
  /** The finished collateral. */
  collateral?: (collateral: Collateral) => Collateral;
};
