// SPDX-License-Identifier: Apache-2.0
import { verify } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { SnpCollateral } from "../collateral/collateral.ts";
import { equalBytes } from "../equal.ts";
import { formatInstant } from "../instant.ts";
import { readAs } from "../malformed.ts";
import type { SnpAttributeFlags, SnpVerdict } from "../verdict.ts";
import { markVerified, type Verified } from "../verified.ts";
import { checkDebug, checkReportData } from "../verify/body.ts";
import { Context, toExpiry } from "../verify/context.ts";
import type { VerifyOptions } from "../verify/options.ts";
import { checkNotRevoked, verifyCurrentCrl } from "../verify/revocation.ts";
import { readCertificate } from "../x509/certificate.ts";
import { type Chain, parseChainPem, verifyChain } from "../x509/chain.ts";
import { SNP_CHAINS } from "../x509/chain-rules.ts";
import { toDerSignature } from "../x509/ecdsa-signature.ts";
import { parseBase64 } from "../x509/pem.ts";
import { type Endorsement, readEndorsement, readSnpTcb, type SnpTcb } from "./endorsement.ts";
import { parseSnpReport, type SnpReport } from "./report.ts";

/** A chip, or a provider's key, as its certificate names it. */
type Endorser = Endorsement & { chain: Verified<Chain> };

const MEND = "take the report again, with the certificate of the same chip and TCB";

/**
 * Verifies a SEV-SNP report against the certificate of its chip at an instant: chain, revocation where AMD's CRL is at
 * hand, kind of key, signature, chip, reported TCB, debug, report data. A minimum TCB is the policy's to ask for.
 *
 * @throws BulwarkError; SNP_..., ROOT_UNTRUSTED, TEE_DEBUG, REPORT_DATA_MISMATCH
 */
export function verifySnpReport(bytes: Uint8Array, collateral: SnpCollateral, options: VerifyOptions): SnpVerdict {
  const context = new Context(options);
  const report = parseSnpReport(bytes);
  const endorser = verifyEndorser(context, collateral);
  const revocationChecked = verifyNotRevoked(context, endorser.chain, collateral);
  checkSignature(report, endorser, collateral.endorsementKeyKind);
  checkChip(report, endorser);
  const tcb = checkTcb(report, endorser);
  const attributeFlags = readSnpPolicy(report.policy);
  checkDebug(attributeFlags.debug, endorser.chain.trustedRoot.kind);
  checkReportData(report.reportData, context.expectedReportData);
  return {
    tee: "sev-snp",
    quoteVersion: report.version,
    product: endorser.chain.root.commonName.slice("ARK-".length),
    endorsementKeyKind: collateral.endorsementKeyKind,
    now: formatInstant(context.now),
    window: context.window,
    tcbStatus: null,
    advisoryIds: [],
    qeTcbStatus: null,
    moduleTcbStatus: null,
    fmspc: null,
    tcb,
    rootFingerprint: endorser.chain.root.fingerprint,
    simulated: endorser.chain.trustedRoot.kind === "simulation",
    revocationChecked,
    measurements: measureSnp(report),
    attributeFlags,
    reportData: report.reportData.toString("hex"),
    debug: attributeFlags.debug,
    collateral: context.records,
  };
}

function verifyEndorser(context: Context, collateral: SnpCollateral): Verified<Endorser> {
  const { endorsementKeyKind: kind, endorsementKeyDerBase64, caChainPem } = collateral;
  const rules = SNP_CHAINS[kind];
  const { item, mend, codes } = rules;
  const endorser = context.recall<Endorser>(
    "chain",
    [endorsementKeyDerBase64, caChainPem, kind],
    () => {
      const readable = { code: codes.malformed, item, mend };
      const leaf = readAs(readable, () => readCertificate(parseBase64(endorsementKeyDerBase64)));
      const chain = verifyChain([leaf, ...parseChainPem(caChainPem, rules)], rules, context.roots);
      const extensions = { code: "SNP_EXTENSION_MALFORMED", item: "endorsement certificate", mend } as const;
      return markVerified({ chain, ...readAs(extensions, () => readEndorsement(leaf.extensions, kind)) });
    },
    ({ chain }) => toExpiry(chain.window),
  );
  const { window, fingerprint } = endorser.chain;
  context.rely({ item: "endorsementChain", fingerprint, window, code: codes.notCurrent, mayBeStale: false });
  return endorser;
}

/** Whether a CRL was at hand; one that is must be right. */
function verifyNotRevoked(context: Context, chain: Verified<Chain>, { crlDerBase64 }: SnpCollateral): boolean {
  if (!crlDerBase64) return false;
  const { root, rootKey, issuer, leaf } = chain;
  const crl = verifyCurrentCrl(context, "endorsementCrl", crlDerBase64, { certificate: root, key: rootKey });
  checkNotRevoked(crl, issuer, "SNP_CHAIN_REVOKED");
  // AMD gives every VCEK the serial number zero, so a list of serial numbers can speak of its issuer alone.
  if (leaf.serial !== "00") checkNotRevoked(crl, leaf, "SNP_CHAIN_REVOKED");
  return true;
}

function checkSignature(report: SnpReport, { chain }: Verified<Endorser>, kind: "vcek" | "vlek"): void {
  if (report.signingKey !== kind) {
    throw refuse(
      "SNP_KEY_KIND_WRONG",
      `The report says it was signed by ${report.signingKey}, the certificate is of a ${kind}.`,
    );
  }
  if (!verify("sha384", report.signedBytes, chain.leafKey, toDerSignature(report.signature))) {
    throw refuse("SNP_SIGNATURE_INVALID", "The endorsement key did not sign this report.");
  }
}

/** A VLEK stands for a provider, so the chip of its report is whatever the report says. */
function checkChip(report: SnpReport, { chipId }: Verified<Endorser>): void {
  if (chipId === null) return;
  const [id, rest] = [report.chipId.subarray(0, chipId.length), report.chipId.subarray(chipId.length)];
  if (equalBytes(id, chipId) && rest.every((byte) => byte === 0)) return;
  throw refuse("SNP_CHIP_WRONG", "The report is of another chip than the certificate, or hides its chip.");
}

/** The key is derived from the TCB that it is reported with, so both must agree in every part. */
function checkTcb(report: SnpReport, { tcb }: Verified<Endorser>): SnpTcb {
  const reported = readSnpTcb(report.reportedTcb, tcb.fmc !== null);
  const isEqual = (Object.keys(tcb) as (keyof SnpTcb)[]).every((part) => tcb[part] === reported[part]);
  if (isEqual) return reported;
  throw refuse("SNP_TCB_WRONG", "The reported TCB is not that of the certificate.");
}

/** Bits of the guest policy. */
export function readSnpPolicy(policy: bigint): SnpAttributeFlags {
  const has = (bit: bigint): boolean => ((policy >> bit) & 1n) === 1n;
  return { debug: has(19n), smtAllowed: has(16n), migrationAgentAllowed: has(18n), singleSocketRequired: has(20n) };
}

/** What a report says, as text. */
export function measureSnp(report: SnpReport): SnpVerdict["measurements"] {
  const hex = (bytes: Buffer): string => bytes.toString("hex");
  const hex64 = (number: bigint): string => number.toString(16).padStart(16, "0");
  return {
    measurement: hex(report.measurement),
    hostData: hex(report.hostData),
    idKeyDigest: hex(report.idKeyDigest),
    authorKeyDigest: hex(report.authorKeyDigest),
    familyId: hex(report.familyId),
    imageId: hex(report.imageId),
    reportId: hex(report.reportId),
    chipId: hex(report.chipId),
    guestSvn: report.guestSvn,
    vmpl: report.vmpl,
    currentTcb: hex(report.currentTcb),
    reportedTcb: hex(report.reportedTcb),
    committedTcb: hex(report.committedTcb),
    launchTcb: hex(report.launchTcb),
    policy: hex64(report.policy),
    platformInfo: hex64(report.platformInfo),
    flags: report.flags,
  };
}

function refuse(code: ErrorCode, message: string): BulwarkError {
  return new BulwarkError(code, message, MEND);
}
