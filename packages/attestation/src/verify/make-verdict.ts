// SPDX-License-Identifier: Apache-2.0
import type { TcbInfo } from "../collateral/tcb-info.ts";
import { formatInstant } from "../instant.ts";
import { readSgxFlags, readTdFlags } from "../quote/attributes.ts";
import type { Quote, SgxBody, TdBody } from "../quote/quote.ts";
import type { VerdictTcbStatus } from "../tcb-status.ts";
import type { QuoteVerdict, SgxMeasurements, TdMeasurements } from "../verdict.ts";
import type { Verified } from "../verified.ts";
import type { Context } from "./context.ts";
import { type Matched, toVerdictStatus } from "./converge.ts";
import type { Pck } from "./pck.ts";

/** What the steps found. */
export type Findings = { pck: Verified<Pck>; info: Verified<TcbInfo>; matched: Matched; status: VerdictTcbStatus };

const hex = (bytes: Buffer): string => bytes.toString("hex");

/** Step O: everything that the steps found, as one value that survives JSON. */
export function makeVerdict(context: Context, quote: Quote, findings: Findings): QuoteVerdict {
  const { pck, info, matched, status } = findings;
  const { level, qe, module } = matched;
  const levels = module === null ? [level, qe] : [level, qe, module];
  const common = {
    quoteVersion: quote.header.version,
    now: formatInstant(context.now),
    window: context.window,
    tcbStatus: status,
    platformTcbStatus: toVerdictStatus(level.status),
    qeTcbStatus: toVerdictStatus(qe.status),
    moduleTcbStatus: module === null ? null : toVerdictStatus(module.status),
    advisoryIds: [...new Set(levels.flatMap(({ advisoryIds }) => advisoryIds))].sort(),
    tcbDate: levels.map(({ date }) => date).sort()[0] ?? level.date,
    tcbEvaluationDataNumber: info.evaluationDataNumber,
    fmspc: pck.extension.fmspc,
    pceId: pck.extension.pceId,
    pckCa: pck.ca,
    certificationDataType: quote.certificationData.type,
    rootFingerprint: pck.chain.root.fingerprint,
    simulated: pck.chain.trustedRoot.kind === "simulation",
    platform: { ppidHash: pck.ppidHash, piid: pck.extension.platformInstanceId },
    reportData: hex(quote.body.reportData),
    trailingBytes: quote.trailing.length,
    trailingBytesAllZero: isZero(quote.trailing),
    collateral: context.records,
  };
  if (quote.body.type === "sgx-enclave-report") {
    const attributeFlags = readSgxFlags(quote.body.attributes);
    const measurements = measureEnclave(quote.body);
    return {
      tee: "sgx",
      bodyType: quote.body.type,
      ...common,
      debug: attributeFlags.debug,
      attributeFlags,
      measurements,
    };
  }
  const attributeFlags = readTdFlags(quote.body.tdAttributes);
  const measurements = measureTd(quote.body);
  return {
    tee: "tdx",
    bodyType: quote.body.type,
    ...common,
    debug: attributeFlags.debug,
    attributeFlags,
    measurements,
  };
}

/** What an enclave's body says, as text. */
export function measureEnclave(body: SgxBody): SgxMeasurements {
  return {
    mrenclave: hex(body.mrenclave),
    mrsigner: hex(body.mrsigner),
    isvProdId: body.isvProdId,
    isvSvn: body.isvSvn,
    attributes: hex(body.attributes),
    miscselect: hex(body.miscselect),
    cpuSvn: hex(body.cpuSvn),
    configId: hex(body.configId),
    configSvn: body.configSvn,
    isvExtProdId: hex(body.isvExtProdId),
    isvFamilyId: hex(body.isvFamilyId),
  };
}

/** What a trust domain's body says, as text. */
export function measureTd(body: TdBody): TdMeasurements {
  return {
    mrtd: hex(body.mrtd),
    rtmr0: hex(body.rtmr0),
    rtmr1: hex(body.rtmr1),
    rtmr2: hex(body.rtmr2),
    rtmr3: hex(body.rtmr3),
    mrseam: hex(body.mrseam),
    mrsignerseam: hex(body.mrsignerseam),
    seamAttributes: hex(body.seamAttributes),
    tdAttributes: hex(body.tdAttributes),
    xfam: hex(body.xfam),
    mrconfigid: hex(body.mrconfigid),
    mrowner: hex(body.mrowner),
    mrownerconfig: hex(body.mrownerconfig),
    teeTcbSvn: hex(body.teeTcbSvn),
    ...(body.teeTcbSvn2 === undefined ? {} : { teeTcbSvn2: hex(body.teeTcbSvn2) }),
    ...(body.mrservicetd === undefined ? {} : { mrservicetd: hex(body.mrservicetd) }),
  };
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
