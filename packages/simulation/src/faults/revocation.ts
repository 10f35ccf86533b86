// SPDX-License-Identifier: Apache-2.0

import { REVOKED_SERIAL } from "../intel.ts";
import {
  certificate,
  collateral,
  crl,
  type Fault,
  flip,
  past,
  soon,
  strangerSigns,
  UNKNOWN_CRITICAL,
} from "./fault.ts";

const GARBAGE = Buffer.from("this is no revocation list");
const withCrl = (item: "pckCrl" | "rootCaCrl", change: (der: Buffer) => Buffer) =>
  collateral((given) => ({
    [item]: {
      ...given[item],
      derBase64: change(Buffer.from(given[item]?.derBase64 ?? "", "base64")).toString("base64"),
    },
  }));

/** Faults of revocation (step D). */
export const REVOCATION_FAULTS: Readonly<Record<string, Fault>> = {
  "root-crl-missing": {
    step: "D",
    code: "COLLATERAL_MISSING",
    about: "no list of the root",
    adjust: collateral(() => ({ rootCaCrl: null })),
  },
  "pck-crl-missing": {
    step: "D",
    code: "COLLATERAL_MISSING",
    about: "no list of the PCK CA",
    adjust: collateral(() => ({ pckCrl: null })),
  },
  "root-crl-garbage": {
    step: "D",
    code: "ROOT_CRL_MALFORMED",
    about: "text in place of the root's list",
    adjust: withCrl("rootCaCrl", () => GARBAGE),
  },
  "pck-crl-garbage": {
    step: "D",
    code: "PCK_CRL_MALFORMED",
    about: "text in place of the CA's list",
    adjust: withCrl("pckCrl", () => GARBAGE),
  },
  "pck-crl-empty": {
    step: "D",
    code: "PCK_CRL_MALFORMED",
    about: "no byte in place of the CA's list",
    adjust: withCrl("pckCrl", () => Buffer.alloc(0)),
  },
  "root-crl-issuer": {
    step: "D",
    code: "ROOT_CRL_ISSUER_WRONG",
    about: "the root's list names another issuer",
    adjust: crl("rootCrl", () => ({ issuer: "Some Root" })),
  },
  "pck-crl-issuer": {
    step: "D",
    code: "PCK_CRL_ISSUER_WRONG",
    about: "the list of the other PCK CA",
    adjust: crl("pckCrl", () => ({ issuer: "Bulwark Simulation SGX PCK Processor CA" })),
  },
  "root-crl-signature": {
    step: "D",
    code: "ROOT_CRL_SIGNATURE_INVALID",
    about: "another key signed the root's list",
    adjust: strangerSigns("rootCrl"),
  },
  "pck-crl-signature": {
    step: "D",
    code: "PCK_CRL_SIGNATURE_INVALID",
    about: "one bit of the list's signature is turned over",
    adjust: withCrl("pckCrl", (der) => flip(der, der.length - 1)),
  },
  "root-crl-expired": {
    step: "D",
    code: "ROOT_CRL_NOT_CURRENT",
    about: "the root's list is over",
    adjust: crl("rootCrl", ({ thisUpdate }) => ({ thisUpdate: past(thisUpdate), nextUpdate: thisUpdate })),
  },
  "pck-crl-expired": {
    step: "D",
    code: "PCK_CRL_NOT_CURRENT",
    about: "the CA's list is over",
    adjust: crl("pckCrl", ({ thisUpdate }) => ({ thisUpdate: past(thisUpdate), nextUpdate: thisUpdate })),
  },
  "pck-crl-too-early": {
    step: "D",
    code: "PCK_CRL_NOT_CURRENT",
    about: "the CA's list is of the day after tomorrow",
    adjust: crl("pckCrl", ({ thisUpdate }) => ({ thisUpdate: soon(thisUpdate) })),
  },
  "pck-crl-endless": {
    step: "D",
    code: "PCK_CRL_MALFORMED",
    about: "a list without its next update",
    adjust: crl("pckCrl", () => ({ nextUpdate: undefined })),
  },
  "pck-crl-critical-extension": {
    step: "D",
    code: "PCK_CRL_MALFORMED",
    about: "a critical extension that nobody knows",
    adjust: crl("pckCrl", () => ({ extensions: [UNKNOWN_CRITICAL] })),
  },
  "pck-revoked": {
    step: "D",
    code: "PCK_REVOKED",
    about: "the platform is revoked",
    adjust: certificate("pck", () => ({ serial: REVOKED_SERIAL })),
  },
  "intermediate-revoked": {
    step: "D",
    code: "PCK_CA_REVOKED",
    about: "the PCK CA is revoked",
    adjust: certificate("intermediate", () => ({ serial: REVOKED_SERIAL })),
  },
  "signer-revoked": {
    step: "D",
    code: "TCB_SIGNER_REVOKED",
    about: "the TCB signer is revoked",
    adjust: certificate("tcbSigning", () => ({ serial: REVOKED_SERIAL })),
  },
};
