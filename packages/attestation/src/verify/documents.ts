// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { SignedDocument } from "../collateral/collateral.ts";
import { type QeIdentity, readQeIdentity } from "../collateral/qe-identity.ts";
import { readTcbInfo, type TcbInfo } from "../collateral/tcb-info.ts";
import { readAs } from "../malformed.ts";
import type { Quote } from "../quote/quote.ts";
import { markVerified, type Verified } from "../verified.ts";
import type { Window } from "../window.ts";
import { isSignedByP256 } from "../x509/algorithm.ts";
import { type Chain, parseChainPem, verifyChain } from "../x509/chain.ts";
import { TCB_SIGNER_CHAIN } from "../x509/chain-rules.ts";
import type { Crl } from "../x509/crl.ts";
import { parseHex } from "../x509/pem.ts";
import { type Context, toExpiry } from "./context.ts";
import type { Pck } from "./pck.ts";
import { checkNotRevoked } from "./revocation.ts";

const MEND = "fetch the collateral again: bulwark attest collateral fetch";
const SIGNATURE_BYTES = 64;

type Document = { window: Window };
type Signed<T extends Document> = { document: T; fingerprint: string };

/** What differs between the two documents. */
type Kind<T extends Document> = {
  item: "tcbInfo" | "qeIdentity";
  read: (text: string) => T;
  malformed: ErrorCode;
  signature: ErrorCode;
  notCurrent: ErrorCode;
};

const TCB_INFO: Kind<TcbInfo> = {
  item: "tcbInfo",
  read: readTcbInfo,
  malformed: "TCB_INFO_MALFORMED",
  signature: "TCB_INFO_SIGNATURE_INVALID",
  notCurrent: "TCB_INFO_NOT_CURRENT",
};

const QE_IDENTITY: Kind<QeIdentity> = {
  item: "qeIdentity",
  read: readQeIdentity,
  malformed: "QE_IDENTITY_MALFORMED",
  signature: "QE_IDENTITY_SIGNATURE_INVALID",
  notCurrent: "QE_IDENTITY_NOT_CURRENT",
};

/** What the documents are checked against: the platform, and the root's CRL. */
export type Anchor = { pck: Verified<Pck>; rootCrl: Verified<Crl> };

/**
 * Step E: the TCB info: its signer, signature over the exact text, dates; and that it is for this TEE and platform.
 *
 * @throws TCB_SIGNER_..., TCB_INFO_..., TCB_STATUS_UNKNOWN, ROOT_UNTRUSTED
 */
export function verifyTcbInfo(
  context: Context,
  tee: Quote["tee"],
  signed: SignedDocument,
  anchor: Anchor,
): Verified<TcbInfo> {
  const info = verifyDocument(context, signed, anchor, TCB_INFO);
  const { fmspc, pceId } = anchor.pck.extension;
  if (info.id !== (tee === "tdx" ? "TDX" : "SGX"))
    throw refuse("TCB_INFO_KIND_WRONG", `The TCB info is for ${info.id}.`);
  if (info.fmspc !== fmspc) {
    throw refuse("TCB_INFO_FMSPC_WRONG", `The TCB info is for FMSPC ${info.fmspc}, the platform has ${fmspc}.`);
  }
  if (info.pceId !== pceId) {
    throw refuse("TCB_INFO_PCE_ID_WRONG", `The TCB info is for PCE id ${info.pceId}, the platform has ${pceId}.`);
  }
  return info;
}

/**
 * Step F: the identity of the quoting enclave, by the same rules.
 *
 * @throws TCB_SIGNER_..., QE_IDENTITY_..., TCB_STATUS_UNKNOWN, ROOT_UNTRUSTED
 */
export function verifyQeIdentity(
  context: Context,
  tee: Quote["tee"],
  signed: SignedDocument,
  anchor: Anchor,
): Verified<QeIdentity> {
  const identity = verifyDocument(context, signed, anchor, QE_IDENTITY);
  if (identity.id !== (tee === "tdx" ? "TD_QE" : "QE")) {
    throw refuse("QE_IDENTITY_KIND_WRONG", `The QE identity is for ${identity.id}.`);
  }
  return identity;
}

function verifyDocument<T extends Document>(
  context: Context,
  { body, signatureHex, issuerChainPem }: SignedDocument,
  { pck, rootCrl }: Anchor,
  kind: Kind<T>,
): Verified<T> {
  const chain = context.recall(
    "chain",
    [issuerChainPem, TCB_SIGNER_CHAIN.item],
    () => verifyChain(parseChainPem(issuerChainPem, TCB_SIGNER_CHAIN), TCB_SIGNER_CHAIN, context.roots),
    ({ window }) => toExpiry(window),
  );
  const { document, fingerprint } = context.recall<Signed<T>>(
    kind.item,
    [body, signatureHex, chain.fingerprint],
    () =>
      markVerified({
        document: readSigned(body, signatureHex, chain, kind),
        fingerprint: hash("sha256", body, "hex"),
      }),
    (signed) => toExpiry(signed.document.window),
  );
  // Two roots may be trusted, each for its own: collateral of one says nothing of platforms of the other.
  if (chain.root.fingerprint !== pck.chain.root.fingerprint) {
    throw refuse("ROOT_UNTRUSTED", `The ${kind.item} comes from another root than the platform.`);
  }
  checkNotRevoked(rootCrl, chain.leaf, "TCB_SIGNER_REVOKED");
  const { codes } = TCB_SIGNER_CHAIN;
  context.rely({
    item: `${kind.item}IssuerChain`,
    fingerprint: chain.fingerprint,
    window: chain.window,
    code: codes.notCurrent,
    mayBeStale: false,
  });
  context.rely({ item: kind.item, fingerprint, window: document.window, code: kind.notCurrent, mayBeStale: true });
  return markVerified(document);
}

/** Verifies the signature over the very bytes of the text, and only then reads it. */
function readSigned<T extends Document>(
  body: string,
  signatureHex: string,
  signer: Verified<Chain>,
  { item, read, malformed, signature }: Kind<T>,
): T {
  const bytes = readAs({ code: signature, item: `signature of the ${item}`, mend: MEND }, () =>
    parseHex(signatureHex, SIGNATURE_BYTES),
  );
  if (!isSignedByP256(signer.leafKey, Buffer.from(body, "utf8"), bytes)) {
    throw refuse(signature, `The ${item} is not signed by its signer.`);
  }
  return readAs({ code: malformed, item, mend: MEND }, () => read(body));
}

function refuse(code: ErrorCode, message: string): BulwarkError {
  return new BulwarkError(code, message, MEND);
}
