// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { CollateralItem } from "../verdict.ts";
import type { Verified } from "../verified.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { Chain } from "../x509/chain.ts";
import type { Crl } from "../x509/crl.ts";
import { type CrlRules, verifyCrl } from "../x509/verify-crl.ts";
import { type Context, toExpiry } from "./context.ts";

const MEND = "fetch the CRL again: bulwark attest collateral fetch";

/** The CRLs there are. */
const RULES = {
  rootCaCrl: {
    item: "CRL of the root",
    mend: MEND,
    codes: {
      malformed: "ROOT_CRL_MALFORMED",
      issuer: "ROOT_CRL_ISSUER_WRONG",
      signature: "ROOT_CRL_SIGNATURE_INVALID",
      notCurrent: "ROOT_CRL_NOT_CURRENT",
    },
  },
  pckCrl: {
    item: "PCK CRL",
    mend: MEND,
    codes: {
      malformed: "PCK_CRL_MALFORMED",
      issuer: "PCK_CRL_ISSUER_WRONG",
      signature: "PCK_CRL_SIGNATURE_INVALID",
      notCurrent: "PCK_CRL_NOT_CURRENT",
    },
  },
  endorsementCrl: {
    item: "CRL of AMD's root",
    mend: "fetch the CRL again from AMD's key distribution service",
    codes: {
      malformed: "SNP_CRL_MALFORMED",
      issuer: "SNP_CRL_ISSUER_WRONG",
      signature: "SNP_CRL_SIGNATURE_INVALID",
      notCurrent: "SNP_CRL_NOT_CURRENT",
    },
  },
} as const satisfies Partial<Record<CollateralItem, CrlRules>>;

/**
 * A CRL that its issuer signed and that holds now.
 *
 * @throws the codes of that CRL
 */
export function verifyCurrentCrl(
  context: Context,
  name: keyof typeof RULES,
  derBase64: string,
  issuer: { certificate: Certificate; key: KeyObject },
): Verified<Crl> {
  const rules = RULES[name];
  const crl = context.recall(
    "crl",
    [derBase64, issuer.certificate.fingerprint],
    () => verifyCrl(derBase64, issuer, rules),
    ({ window }) => toExpiry(window),
  );
  context.rely({
    item: name,
    fingerprint: crl.fingerprint,
    window: crl.window,
    code: rules.codes.notCurrent,
    mayBeStale: true,
  });
  return crl;
}

/**
 * Step D: both CRLs, and that neither the platform's certificate nor its CA is revoked.
 *
 * @returns the root's CRL, for the certificates that sign TCB info and QE identity
 * @throws ROOT_CRL_..., PCK_CRL_..., PCK_CA_REVOKED, PCK_REVOKED
 */
export function verifyRevocation(
  context: Context,
  chain: Verified<Chain>,
  crls: { rootCaCrl: string; pckCrl: string },
): Verified<Crl> {
  const { root, rootKey, issuer, issuerKey, leaf } = chain;
  const rootCrl = verifyCurrentCrl(context, "rootCaCrl", crls.rootCaCrl, { certificate: root, key: rootKey });
  checkNotRevoked(rootCrl, issuer, "PCK_CA_REVOKED");
  const pckCrl = verifyCurrentCrl(context, "pckCrl", crls.pckCrl, { certificate: issuer, key: issuerKey });
  checkNotRevoked(pckCrl, leaf, "PCK_REVOKED");
  return rootCrl;
}

/** @throws the code given, when the CRL lists the certificate */
export function checkNotRevoked(crl: Verified<Crl>, certificate: Certificate, code: ErrorCode): void {
  if (!crl.revoked.has(certificate.serial)) return;
  throw new BulwarkError(
    code,
    `The certificate with serial number ${certificate.serial} is revoked.`,
    "do not trust this machine; its owner has to ask the vendor why",
  );
}
