// SPDX-License-Identifier: Apache-2.0
export {
  type AttestationResult,
  appraise,
  type CompiledPolicy,
  compilePolicy,
  type EarStatus,
  enforce,
  type ResultTee,
  type RuleReport,
  type TrustworthinessVector,
} from "./appraise/index.ts";
export { VerifiedCache } from "./cache.ts";
export type { Collateral, SignedDocument, SnpCollateral } from "./collateral/collateral.ts";
export { parseCollateral, parseSnpCollateral } from "./collateral/parse.ts";
export { equalHex } from "./equal.ts";
export { type EventLog, type LogEvent, parseEventLog } from "./event-log/parse.ts";
export { checkEventLog, type Rtmrs, replayEventLog } from "./event-log/replay.ts";
export { type CertificateClaim, inspectCertificates } from "./inspect/certificate.ts";
export { type CollateralClaim, inspectCollateral, toCrlBase64 } from "./inspect/collateral.ts";
export { inspectQuote, inspectSnpReport, type QuoteClaim, type SnpClaim } from "./inspect/evidence.ts";
export { inspectPlatform, type PlatformClaim } from "./inspect/platform.ts";
export { formatInstant, type Instant, parseInstant, toInstant } from "./instant.ts";
export { parseQuote } from "./quote/parse.ts";
export {
  type CertificationData,
  INTEL_QE_VENDOR_ID,
  type Quote,
  type QuoteHeader,
  type SgxBody,
  SIMULATION_QE_VENDOR_ID,
  type TdBody,
} from "./quote/quote.ts";
export {
  AMD_ROOTS,
  HARDWARE_ROOTS,
  INTEL_SGX_ROOT,
  type RootKind,
  type TrustedRoot,
  type TrustedRoots,
} from "./roots.ts";
export { parseSnpReport, type SnpReport } from "./snp/report.ts";
export { verifySnpReport } from "./snp/verify-report.ts";
export type { TcbStatus, VerdictTcbStatus } from "./tcb-status.ts";
export type {
  CollateralItem,
  CollateralRecord,
  QuoteVerdict,
  SgxAttributeFlags,
  SgxMeasurements,
  SgxVerdict,
  SnpAttributeFlags,
  SnpMeasurements,
  SnpVerdict,
  TdAttributeFlags,
  TdMeasurements,
  TdxVerdict,
  Verdict,
} from "./verdict.ts";
export type { QuoteOptions, VerifyOptions } from "./verify/options.ts";
export { verifyQuote } from "./verify/verify-quote.ts";
