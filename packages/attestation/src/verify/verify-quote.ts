// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Collateral } from "../collateral/collateral.ts";
import { parseQuote } from "../quote/parse.ts";
import type { Quote } from "../quote/quote.ts";
import type { QuoteVerdict } from "../verdict.ts";
import type { Verified } from "../verified.ts";
import { isSignedByP256 } from "../x509/algorithm.ts";
import { checkAttributes, checkReportData } from "./body.ts";
import { Context } from "./context.ts";
import { converge } from "./converge.ts";
import { verifyQeIdentity, verifyTcbInfo } from "./documents.ts";
import { isZero, makeVerdict } from "./make-verdict.ts";
import type { QuoteOptions } from "./options.ts";
import { verifyPck } from "./pck.ts";
import { type AttestationKey, matchQeLevel, verifyAttestationKey } from "./qe-report.ts";
import { verifyRevocation } from "./revocation.ts";
import { matchModuleLevel, matchTcbLevel } from "./tcb-level.ts";

/**
 * Verifies an SGX or TDX quote against collateral at an instant. This function is the checklist: each line is one step,
 * and throws one coded error when what it looks at is not right. What comes back says how good the platform is and what
 * runs on it; whether that is enough is the policy's to say (measurements, statuses: step M).
 *
 * @throws BulwarkError; see the codes of each step
 */
export function verifyQuote(bytes: Uint8Array, collateral: Collateral, options: QuoteOptions): QuoteVerdict {
  const context = new Context(options); // A
  const quote = parseQuote(bytes); // B
  checkTrailing(quote, options.trailingBytes ?? "any");
  const given = requireCollateral(quote, collateral);
  const pck = verifyPck(context, quote, collateral); // C
  const rootCrl = verifyRevocation(context, pck.chain, given); // D
  const anchor = { pck, rootCrl };
  const info = verifyTcbInfo(context, quote.tee, given.tcbInfo, anchor); // E
  const identity = verifyQeIdentity(context, quote.tee, given.qeIdentity, anchor); // F
  const attestationKey = verifyAttestationKey(context, quote, pck); // G
  const qe = matchQeLevel(quote, identity);
  checkSignature(quote, attestationKey); // H
  const td = quote.body.type === "sgx-enclave-report" ? null : quote.body;
  const module = td === null ? null : matchModuleLevel(info, td); // I
  const platform = matchTcbLevel(info, pck.extension, td?.teeTcbSvn ?? null); // J
  const matched = { ...platform, qe, module };
  const status = converge(info, matched, td); // K
  checkAttributes(quote, pck.chain.trustedRoot); // L
  checkReportData(quote.body.reportData, context.expectedReportData); // N
  return makeVerdict(context, quote, { pck, info, matched, status }); // O
}

type Given = Pick<{ [K in keyof Collateral]: NonNullable<Collateral[K]> }, "tcbInfo" | "qeIdentity"> & {
  rootCaCrl: string;
  pckCrl: string;
};

const PEM_CHAIN = 5;

/** Nothing is optional: a check that could not be made is a refusal, and names every item that is missing. */
function requireCollateral({ certificationData }: Quote, collateral: Collateral): Given {
  const { tcbInfo, qeIdentity, pckCrl, rootCaCrl, pckChainPem } = collateral;
  const hasChain = certificationData.type === PEM_CHAIN || Boolean(pckChainPem);
  if (tcbInfo && qeIdentity && pckCrl && rootCaCrl && hasChain) {
    return { tcbInfo, qeIdentity, pckCrl: pckCrl.derBase64, rootCaCrl: rootCaCrl.derBase64 };
  }
  const items = { tcbInfo, qeIdentity, pckCrl, rootCaCrl, pckChainPem: hasChain };
  const missing = Object.entries(items).flatMap(([name, item]) => (item ? [] : [name]));
  throw new BulwarkError(
    "COLLATERAL_MISSING",
    `Collateral is missing: ${missing.join(", ")}.`,
    "fetch it: bulwark attest collateral fetch",
  );
}

function checkTrailing({ trailing }: Quote, allowed: "any" | "zero" | "none"): void {
  if (allowed === "any" || trailing.length === 0 || (allowed === "zero" && isZero(trailing))) return;
  throw new BulwarkError(
    "QUOTE_TRAILING_BYTES",
    `${trailing.length} bytes follow the end of the quote, which nobody signed.`,
    "pass the quote without them",
  );
}

/** Step H: the key that the quoting enclave vouched for signed header and body. Never remembered. */
function checkSignature(quote: Quote, { key }: Verified<AttestationKey>): void {
  if (isSignedByP256(key, quote.signedBytes, quote.signature)) return;
  throw new BulwarkError(
    "QUOTE_SIGNATURE_INVALID",
    "The attestation key did not sign this quote.",
    "take the quote again from the machine",
  );
}
