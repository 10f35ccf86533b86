// SPDX-License-Identifier: Apache-2.0
import type { Quote, SgxBody, TdBody } from "../quote/quote.ts";

const TEE_TYPES = { sgx: 0, tdx: 0x81 } as const;
const BODY_NUMBERS = { "sgx-enclave-report": 1, "td-report-1.0": 2, "td-report-1.5": 3 } as const;

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);
const zeros = (length: number): Buffer => Buffer.alloc(length);
const withLength = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), bytes]);

/** What a quote is written from: everything that parsing gives but the views over several fields. */
export type QuoteParts = Pick<
  Quote,
  "tee" | "header" | "body" | "signature" | "attestationKey" | "qeReport" | "qeReportSignature" | "qeAuthData"
> &
  Pick<Quote, "certificationData" | "trailing">;

/** Writes a quote from its parts, so that a test can see whether parsing gives every field its place. */
export function writeQuote(quote: QuoteParts): Buffer {
  const { header, body, certificationData } = quote;
  const bodyBytes = writeBody(body);
  const isV5 = header.version === 5;
  const certification = Buffer.concat([
    writeSgxBody(quote.qeReport),
    quote.qeReportSignature,
    u16(quote.qeAuthData.length),
    quote.qeAuthData,
    u16(certificationData.type),
    withLength(certificationData.data),
  ]);
  return Buffer.concat([
    u16(header.version),
    u16(header.attestationKeyType),
    u32(TEE_TYPES[quote.tee]),
    u16(header.qeSvn),
    u16(header.pceSvn),
    Buffer.from(header.qeVendorId, "hex"),
    header.userData,
    ...(isV5 ? [u16(BODY_NUMBERS[body.type]), u32(bodyBytes.length)] : []),
    bodyBytes,
    withLength(
      Buffer.concat([
        quote.signature,
        quote.attestationKey,
        ...(header.version === 3 ? [certification] : [u16(6), withLength(certification)]),
      ]),
    ),
    quote.trailing,
  ]);
}

const writeBody = (body: SgxBody | TdBody): Buffer =>
  body.type === "sgx-enclave-report" ? writeSgxBody(body) : writeTdBody(body);

function writeSgxBody(body: SgxBody): Buffer {
  return Buffer.concat([
    body.cpuSvn,
    body.miscselect,
    zeros(12),
    body.isvExtProdId,
    body.attributes,
    body.mrenclave,
    zeros(32),
    body.mrsigner,
    zeros(32),
    body.configId,
    u16(body.isvProdId),
    u16(body.isvSvn),
    u16(body.configSvn),
    zeros(42),
    body.isvFamilyId,
    body.reportData,
  ]);
}

function writeTdBody(body: TdBody): Buffer {
  return Buffer.concat([
    body.teeTcbSvn,
    body.mrseam,
    body.mrsignerseam,
    body.seamAttributes,
    body.tdAttributes,
    body.xfam,
    body.mrtd,
    body.mrconfigid,
    body.mrowner,
    body.mrownerconfig,
    body.rtmr0,
    body.rtmr1,
    body.rtmr2,
    body.rtmr3,
    body.reportData,
    ...(body.teeTcbSvn2 && body.mrservicetd ? [body.teeTcbSvn2, body.mrservicetd] : []),
  ]);
}
