// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { toBuffer } from "../malformed.ts";
import { BODY_BYTES, readSgxBody, readTdBody } from "./body.ts";
import {
  type CertificationData,
  INTEL_QE_VENDOR_ID,
  type Quote,
  type QuoteHeader,
  SIMULATION_QE_VENDOR_ID,
} from "./quote.ts";

const HEADER_BYTES = 48;
const DESCRIPTOR_BYTES = 6;
const KEY_TYPE_ECDSA_P256 = 2;
const TEE_SGX = 0;
const TEE_TDX = 0x81;
const PEM_CHAIN = 5;
const QE_REPORT_CERTIFICATION = 6;
/** Types 1 to 3 identify the platform by PPID, 4 is a PCK leaf, 5 the PCK chain (Intel DCAP, certification data). */
const INNER_TYPES: ReadonlySet<number> = new Set([1, 2, 3, 4, PEM_CHAIN]);
/** More than any quote has; what is larger is not looked at. */
const LARGEST_BYTES = 1_048_576;
const MEND = "take the quote again from the machine, as bytes";

const refuse = (code: ErrorCode, message: string): BulwarkError => new BulwarkError(code, message, MEND);

/** Takes bytes from front to back and refuses to go beyond the end. */
class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) {
      throw refuse("QUOTE_MALFORMED", `The quote is cut off: ${this.bytes.length} bytes, at least ${end} needed.`);
    }
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  u16(): number {
    return this.take(2).readUInt16LE(0);
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }
}

/**
 * Parses an SGX or TDX quote: version 3 (SGX), 4 (TDX) or 5 (SGX, TDX 1.0, TDX 1.5). Nothing is copied and nothing is
 * verified (step B). Layouts: Intel SGX ECDSA QuoteLibReference, Intel TDX DCAP Quoting Library API.
 *
 * @throws QUOTE_MALFORMED and the QUOTE_..._UNKNOWN codes
 */
export function parseQuote(bytes: Uint8Array): Quote {
  if (bytes.length > LARGEST_BYTES) {
    throw refuse("QUOTE_MALFORMED", `The quote has ${bytes.length} bytes, more than any quote has.`);
  }
  const cursor = new Cursor(toBuffer(bytes));
  const header = readHeader(cursor.take(HEADER_BYTES));
  const body = readBody(cursor, header);
  const signedBytes = cursor.bytes.subarray(0, cursor.at);
  const signatureData = new Cursor(cursor.take(cursor.u32()));
  const signed = header.version === 3 ? readSignatureV3(signatureData) : readSignatureV4(signatureData);
  if (signatureData.at !== signatureData.bytes.length) {
    throw refuse("QUOTE_MALFORMED", "The signature data of the quote is longer than what is in it.");
  }
  return {
    tee: header.teeType === TEE_TDX ? "tdx" : "sgx",
    header,
    body,
    signedBytes,
    ...signed,
    declaredLength: cursor.at,
    trailing: cursor.bytes.subarray(cursor.at),
  };
}

function readHeader(bytes: Buffer): QuoteHeader {
  const version = bytes.readUInt16LE(0);
  const attestationKeyType = bytes.readUInt16LE(2);
  const teeType = bytes.readUInt32LE(4);
  const qeVendorId = bytes.toString("hex", 12, 28);
  if (version !== 3 && version !== 4 && version !== 5) {
    throw refuse("QUOTE_VERSION_UNKNOWN", `The quote has version ${version}; 3, 4 and 5 are known.`);
  }
  if (attestationKeyType !== KEY_TYPE_ECDSA_P256) {
    throw refuse(
      "QUOTE_KEY_TYPE_UNKNOWN",
      `The attestation key is of type ${attestationKeyType}, not ECDSA P-256 (2).`,
    );
  }
  const isKnownTee =
    version === 3 ? teeType === TEE_SGX : teeType === TEE_TDX || (version === 5 && teeType === TEE_SGX);
  if (!isKnownTee) {
    throw refuse("QUOTE_TEE_UNKNOWN", `TEE type ${teeType} is not known in a quote of version ${version}.`);
  }
  if (qeVendorId !== INTEL_QE_VENDOR_ID && qeVendorId !== SIMULATION_QE_VENDOR_ID) {
    throw refuse("QUOTE_VENDOR_UNKNOWN", `The quoting enclave is of the unknown vendor ${qeVendorId}.`);
  }
  return {
    version,
    attestationKeyType,
    teeType,
    qeSvn: version === 3 ? bytes.readUInt16LE(8) : 0,
    pceSvn: version === 3 ? bytes.readUInt16LE(10) : 0,
    qeVendorId,
    userData: bytes.subarray(28, HEADER_BYTES),
  };
}

/** Body types of version 5, with the TEE type each belongs to. */
const BODY_TYPES: Readonly<Record<number, { type: Quote["body"]["type"]; teeType: number }>> = {
  1: { type: "sgx-enclave-report", teeType: TEE_SGX },
  2: { type: "td-report-1.0", teeType: TEE_TDX },
  3: { type: "td-report-1.5", teeType: TEE_TDX },
};

function readBody(cursor: Cursor, header: QuoteHeader): Quote["body"] {
  const type =
    header.version === 5
      ? readDescriptor(cursor, header)
      : header.version === 3
        ? "sgx-enclave-report"
        : "td-report-1.0";
  const bytes = cursor.take(BODY_BYTES[type]);
  return type === "sgx-enclave-report" ? readSgxBody(bytes) : readTdBody(bytes, type);
}

function readDescriptor(cursor: Cursor, { teeType }: QuoteHeader): Quote["body"]["type"] {
  const descriptor = cursor.take(DESCRIPTOR_BYTES);
  const [number, size] = [descriptor.readUInt16LE(0), descriptor.readUInt32LE(2)];
  const known = BODY_TYPES[number];
  if (known === undefined || known.teeType !== teeType || BODY_BYTES[known.type] !== size) {
    throw refuse(
      "QUOTE_BODY_UNKNOWN",
      `The quote has a body of type ${number} and ${size} bytes for TEE type ${teeType}.`,
    );
  }
  return known.type;
}

type Signature = Pick<Quote, "signature" | "attestationKey"> & QeCertification;
type QeCertification = Pick<
  Quote,
  "qeReport" | "qeReportBytes" | "qeReportSignature" | "qeAuthData" | "certificationData"
>;

function readSignatureV3(cursor: Cursor): Signature {
  return { signature: cursor.take(64), attestationKey: cursor.take(64), ...readQeCertification(cursor) };
}

function readSignatureV4(cursor: Cursor): Signature {
  const [signature, attestationKey] = [cursor.take(64), cursor.take(64)];
  const type = cursor.u16();
  if (type !== QE_REPORT_CERTIFICATION) {
    throw refuse(
      "QUOTE_CERTIFICATION_UNKNOWN",
      `The quote's certification data is of type ${type}, not 6 (QE report).`,
    );
  }
  const inner = new Cursor(cursor.take(cursor.u32()));
  const certification = readQeCertification(inner);
  if (inner.at !== inner.bytes.length) {
    throw refuse("QUOTE_MALFORMED", "The certification data of the quote is longer than what is in it.");
  }
  return { signature, attestationKey, ...certification };
}

function readQeCertification(cursor: Cursor): QeCertification {
  const qeReportBytes = cursor.take(BODY_BYTES["sgx-enclave-report"]);
  return {
    qeReport: readSgxBody(qeReportBytes),
    qeReportBytes,
    qeReportSignature: cursor.take(64),
    qeAuthData: cursor.take(cursor.u16()),
    certificationData: readCertificationData(cursor),
  };
}

function readCertificationData(cursor: Cursor): CertificationData {
  const type = cursor.u16();
  if (!INNER_TYPES.has(type)) {
    throw refuse("QUOTE_CERTIFICATION_UNKNOWN", `The platform is certified by data of type ${type}; 1 to 5 are known.`);
  }
  return { type, data: cursor.take(cursor.u32()) };
}
