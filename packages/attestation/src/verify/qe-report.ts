// SPDX-License-Identifier: Apache-2.0
import { hash, type KeyObject } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { SvnLevel } from "../collateral/level.ts";
import type { QeIdentity } from "../collateral/qe-identity.ts";
import { equalBytes, equalUnderMask } from "../equal.ts";
import { readAs } from "../malformed.ts";
import { hasSgxFlag, SGX_FLAG } from "../quote/attributes.ts";
import type { Quote } from "../quote/quote.ts";
import { markVerified, type Verified } from "../verified.ts";
import { importP256Point, isSignedByP256 } from "../x509/algorithm.ts";
import { type Context, toExpiry } from "./context.ts";
import type { Pck } from "./pck.ts";

/** The key that signs quotes, once the quoting enclave vouched for it. */
export type AttestationKey = { key: KeyObject };

const MEND = "take the quote again; if it says the same, the quoting enclave of that machine is not Intel's";
const DIGEST_BYTES = 32;
const ZEROES = Buffer.alloc(DIGEST_BYTES);

/**
 * Step G, first half: the platform signed the report of its quoting enclave, and that report vouches for the
 * attestation key. The same bytes need it once.
 *
 * @throws QE_REPORT_SIGNATURE_INVALID, QE_KEY_UNBOUND, QUOTE_SIGNATURE_INVALID
 */
export function verifyAttestationKey(context: Context, quote: Quote, pck: Verified<Pck>): Verified<AttestationKey> {
  const { qeReportBytes, qeReportSignature, attestationKey, qeAuthData } = quote;
  const { leafKey, leaf, window } = pck.chain;
  // All but the authentication data have a fixed length, so the parts cannot be read in another way.
  const text = [attestationKey, qeReportBytes, qeReportSignature, qeAuthData].map((part) => part.toString("latin1"));
  return context.recall(
    "qeReport",
    [text.join(""), leaf.fingerprint],
    () => {
      if (!isSignedByP256(leafKey, qeReportBytes, qeReportSignature)) {
        throw refuse("QE_REPORT_SIGNATURE_INVALID", "The report of the quoting enclave is not signed by the PCK key.");
      }
      const digest = hash("sha256", Buffer.concat([attestationKey, qeAuthData]), "buffer");
      if (!equalBytes(quote.qeReport.reportData, Buffer.concat([digest, ZEROES]))) {
        throw refuse("QE_KEY_UNBOUND", "The quoting enclave's report does not vouch for the attestation key.");
      }
      const key = { code: "QUOTE_SIGNATURE_INVALID", item: "attestation key", mend: MEND } as const;
      return markVerified({ key: readAs(key, () => importP256Point(attestationKey)) });
    },
    () => toExpiry(window),
  );
}

/** What the enclave must be, each with its own code. */
const CHECKS: readonly {
  code: ErrorCode;
  what: string;
  isRight: (qe: Quote["qeReport"], id: QeIdentity) => boolean;
}[] = [
  {
    code: "QE_MISCSELECT_WRONG",
    what: "MISCSELECT",
    isRight: (qe, id) => equalUnderMask(qe.miscselect, id.miscselectMask, id.miscselect),
  },
  // Before the other attributes, so that debug mode is called by its name.
  { code: "QE_DEBUG", what: "debug mode", isRight: (qe) => !hasSgxFlag(qe.attributes, SGX_FLAG.debug) },
  {
    code: "QE_ATTRIBUTES_WRONG",
    what: "attributes",
    isRight: (qe, id) => equalUnderMask(qe.attributes, id.attributesMask, id.attributes),
  },
  { code: "QE_SIGNER_WRONG", what: "MRSIGNER", isRight: (qe, id) => equalBytes(qe.mrsigner, id.mrsigner) },
  { code: "QE_PRODUCT_WRONG", what: "product id", isRight: (qe, id) => qe.isvProdId === id.isvProdId },
];

/**
 * Step G, second half: the enclave is the one that its identity describes, and how good its version is.
 *
 * @throws QE_... for what is wrong, QE_LEVEL_UNKNOWN
 */
export function matchQeLevel(quote: Quote, identity: Verified<QeIdentity>): SvnLevel {
  for (const { code, what, isRight } of CHECKS) {
    if (!isRight(quote.qeReport, identity))
      throw refuse(code, `The ${what} of the quoting enclave is not as it must be.`);
  }
  const level = identity.levels.find(({ isvSvn }) => quote.qeReport.isvSvn >= isvSvn);
  if (level !== undefined) return level;
  throw refuse(
    "QE_LEVEL_UNKNOWN",
    `The quoting enclave has version ${quote.qeReport.isvSvn}, below every known level.`,
  );
}

function refuse(code: ErrorCode, message: string): BulwarkError {
  return new BulwarkError(code, message, MEND);
}
