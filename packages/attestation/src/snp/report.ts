// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { toBuffer } from "../malformed.ts";

/** An attestation report of SEV-SNP (SEV-SNP Firmware ABI Specification, ATTESTATION_REPORT). Buffers are views. */
export type SnpReport = {
  version: 2 | 3 | 4 | 5;
  guestSvn: number;
  policy: bigint;
  familyId: Buffer;
  imageId: Buffer;
  vmpl: number;
  currentTcb: Buffer;
  platformInfo: bigint;
  flags: number;
  /** Kind of the key that signed, from `flags`. */
  signingKey: "vcek" | "vlek" | "none" | "unknown";
  /** The chip id is left out of the report. */
  isChipMasked: boolean;
  reportData: Buffer;
  measurement: Buffer;
  hostData: Buffer;
  idKeyDigest: Buffer;
  authorKeyDigest: Buffer;
  reportId: Buffer;
  reportedTcb: Buffer;
  chipId: Buffer;
  committedTcb: Buffer;
  launchTcb: Buffer;
  /** The first 672 bytes. */
  signedBytes: Buffer;
  /** r || s, 48 bytes each, most significant byte first. */
  signature: Buffer;
};

const REPORT_BYTES = 1184;
const SIGNED_BYTES = 672;
const SIGNATURE_NUMBER_BYTES = 72;
const P384_BYTES = 48;
const ECDSA_P384_SHA384 = 1;
const SIGNING_KEYS: readonly SnpReport["signingKey"][] = ["vcek", "vlek"];
const NO_KEY = 7;
const MEND = "take the report again from the machine, as bytes";

const refuse = (code: ErrorCode, message: string): BulwarkError => new BulwarkError(code, message, MEND);

/**
 * Parses a report. Nothing is verified.
 *
 * @throws SNP_REPORT_MALFORMED, SNP_VERSION_UNKNOWN, SNP_ALGORITHM_UNKNOWN
 */
export function parseSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== REPORT_BYTES) {
    throw refuse("SNP_REPORT_MALFORMED", `The report has ${bytes.length} bytes instead of ${REPORT_BYTES}.`);
  }
  const report = toBuffer(bytes);
  const version = report.readUInt32LE(0);
  if (version !== 2 && version !== 3 && version !== 4 && version !== 5) {
    throw refuse("SNP_VERSION_UNKNOWN", `The report has version ${version}; 2 to 5 are known.`);
  }
  if (report.readUInt32LE(52) !== ECDSA_P384_SHA384) {
    throw refuse("SNP_ALGORITHM_UNKNOWN", "The report is not signed with ECDSA P-384 and SHA-384.");
  }
  const flags = report.readUInt32LE(72);
  const signingKey = (flags >> 2) & 7;
  return {
    version,
    guestSvn: report.readUInt32LE(4),
    policy: report.readBigUInt64LE(8),
    familyId: report.subarray(16, 32),
    imageId: report.subarray(32, 48),
    vmpl: report.readUInt32LE(48),
    currentTcb: report.subarray(56, 64),
    platformInfo: report.readBigUInt64LE(64),
    flags,
    signingKey: signingKey === NO_KEY ? "none" : (SIGNING_KEYS[signingKey] ?? "unknown"),
    isChipMasked: (flags & 2) !== 0,
    reportData: report.subarray(80, 144),
    measurement: report.subarray(144, 192),
    hostData: report.subarray(192, 224),
    idKeyDigest: report.subarray(224, 272),
    authorKeyDigest: report.subarray(272, 320),
    reportId: report.subarray(320, 352),
    reportedTcb: report.subarray(384, 392),
    chipId: report.subarray(416, 480),
    committedTcb: report.subarray(480, 488),
    launchTcb: report.subarray(496, 504),
    signedBytes: report.subarray(0, SIGNED_BYTES),
    signature: Buffer.concat([
      readNumber(report, SIGNED_BYTES),
      readNumber(report, SIGNED_BYTES + SIGNATURE_NUMBER_BYTES),
    ]),
  };
}

/** A number of 72 bytes, least significant first, of which P-384 uses 48. */
function readNumber(report: Buffer, from: number): Buffer {
  const number = report.subarray(from, from + SIGNATURE_NUMBER_BYTES);
  if (number.subarray(P384_BYTES).some((byte) => byte !== 0)) {
    throw refuse("SNP_REPORT_MALFORMED", "A number of the report's signature is too large for P-384.");
  }
  return Buffer.from(number.subarray(0, P384_BYTES)).reverse();
}
