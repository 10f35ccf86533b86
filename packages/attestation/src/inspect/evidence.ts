// SPDX-License-Identifier: Apache-2.0
import { readSgxFlags, readTdFlags } from "../quote/attributes.ts";
import { type Quote, SIMULATION_QE_VENDOR_ID } from "../quote/quote.ts";
import type { SnpReport } from "../snp/report.ts";
import { measureSnp, readSnpPolicy } from "../snp/verify-report.ts";
import type {
  SgxAttributeFlags,
  SgxMeasurements,
  SnpAttributeFlags,
  SnpMeasurements,
  TdAttributeFlags,
  TdMeasurements,
} from "../verdict.ts";
import { isZero, measureEnclave, measureTd } from "../verify/make-verdict.ts";

/** What a quote says, with the field names of a verdict. Nothing of it has been verified. */
export type QuoteClaim = {
  quoteVersion: 3 | 4 | 5;
  certificationDataType: number;
  reportData: string;
  debug: boolean;
  /** It carries the vendor id of simulated quoting enclaves. */
  claimsSimulation: boolean;
  trailingBytes: number;
  trailingBytesAllZero: boolean;
} & (
  | { tee: "sgx"; bodyType: "sgx-enclave-report"; measurements: SgxMeasurements; attributeFlags: SgxAttributeFlags }
  | {
      tee: "tdx";
      bodyType: "td-report-1.0" | "td-report-1.5";
      measurements: TdMeasurements;
      attributeFlags: TdAttributeFlags;
    }
);

/** Reads what a quote says of itself. */
export function inspectQuote(quote: Quote): QuoteClaim {
  const { body, header, trailing, certificationData } = quote;
  const common = {
    quoteVersion: header.version,
    certificationDataType: certificationData.type,
    reportData: Buffer.from(body.reportData).toString("hex"),
    claimsSimulation: header.qeVendorId === SIMULATION_QE_VENDOR_ID,
    trailingBytes: trailing.length,
    trailingBytesAllZero: isZero(trailing),
  };
  if (body.type === "sgx-enclave-report") {
    const attributeFlags = readSgxFlags(body.attributes);
    return {
      tee: "sgx",
      bodyType: body.type,
      ...common,
      debug: attributeFlags.debug,
      attributeFlags,
      measurements: measureEnclave(body),
    };
  }
  const attributeFlags = readTdFlags(body.tdAttributes);
  return {
    tee: "tdx",
    bodyType: body.type,
    ...common,
    debug: attributeFlags.debug,
    attributeFlags,
    measurements: measureTd(body),
  };
}

/** What a report of SEV-SNP says, with the field names of a verdict. Nothing of it has been verified. */
export type SnpClaim = {
  tee: "sev-snp";
  quoteVersion: 2 | 3 | 4 | 5;
  endorsementKeyKind: SnpReport["signingKey"];
  reportData: string;
  debug: boolean;
  measurements: SnpMeasurements;
  attributeFlags: SnpAttributeFlags;
};

/** Reads what a report says of itself. */
export function inspectSnpReport(report: SnpReport): SnpClaim {
  const attributeFlags = readSnpPolicy(report.policy);
  return {
    tee: "sev-snp",
    quoteVersion: report.version,
    endorsementKeyKind: report.signingKey,
    reportData: report.reportData.toString("hex"),
    debug: attributeFlags.debug,
    measurements: measureSnp(report),
    attributeFlags,
  };
}
