// SPDX-License-Identifier: Apache-2.0
import { certificate, collateral, type Fault, mapLevels, past, strangerSigns, tdx, withBody } from "./fault.ts";

const withSignerChain = (change: (pem: string) => string) =>
  collateral(({ tcbInfo }) =>
    tcbInfo === null ? {} : { tcbInfo: { ...tcbInfo, issuerChainPem: change(tcbInfo.issuerChainPem) } },
  );

/** Faults of TCB info, its signer, and QE identity (steps E and F). */
export const DOCUMENT_FAULTS: Readonly<Record<string, Fault>> = {
  // E
  "tcb-info-missing": {
    step: "E",
    code: "COLLATERAL_MISSING",
    about: "no TCB info",
    adjust: collateral(() => ({ tcbInfo: null })),
  },
  "signer-chain-garbage": {
    step: "E",
    code: "TCB_SIGNER_MALFORMED",
    about: "no chain of the signer",
    adjust: withSignerChain(() => ""),
  },
  "signer-chain-too-long": {
    step: "E",
    code: "TCB_SIGNER_MALFORMED",
    about: "the chain of the signer twice",
    adjust: withSignerChain((pem) => pem + pem),
  },
  "signer-name": {
    step: "E",
    code: "TCB_SIGNER_NAME_WRONG",
    about: "the signer is named as something else",
    adjust: certificate("tcbSigning", () => ({ subject: "Some Signer" })),
  },
  "signer-signature": {
    step: "E",
    code: "TCB_SIGNER_SIGNATURE_INVALID",
    about: "another key signed the signer's certificate",
    adjust: strangerSigns("tcbSigning"),
  },
  "signer-is-ca": {
    step: "E",
    code: "TCB_SIGNER_CONSTRAINT_BROKEN",
    about: "the signer is a CA",
    adjust: certificate("tcbSigning", () => ({ isAuthority: true })),
  },
  "signer-expired": {
    step: "E",
    code: "TCB_SIGNER_NOT_CURRENT",
    about: "the signer's certificate expired",
    adjust: certificate("tcbSigning", ({ notBefore }) => ({ notBefore: past(notBefore), notAfter: notBefore })),
  },
  "tcb-info-signature": {
    step: "E",
    code: "TCB_INFO_SIGNATURE_INVALID",
    about: "another key signed it",
    adjust: strangerSigns("tcbInfo"),
  },
  "tcb-info-changed": {
    step: "E",
    code: "TCB_INFO_SIGNATURE_INVALID",
    about: "one word of it was changed after it was signed",
    adjust: withBody("tcbInfo", (body) => body.replace("OutOfDate", "UpToDate")),
  },
  "tcb-info-rewritten": {
    step: "E",
    code: "TCB_INFO_SIGNATURE_INVALID",
    about: "it was parsed and written again, with spaces",
    adjust: withBody("tcbInfo", (body) => JSON.stringify(JSON.parse(body), null, 1)),
  },
  "tcb-info-garbage": {
    step: "E",
    code: "TCB_INFO_MALFORMED",
    about: "signed text that is no JSON",
    adjust: { tcbInfo: () => "{" },
  },
  "tcb-info-key-twice": {
    step: "E",
    code: "TCB_INFO_MALFORMED",
    about: "a key given twice",
    adjust: { tcbInfo: (body) => JSON.stringify(body).replace('"id":"SGX"', '"id":"TDX","id":"SGX"') },
  },
  "tcb-info-without-levels": {
    step: "E",
    code: "TCB_INFO_MALFORMED",
    about: "no levels",
    adjust: { tcbInfo: ({ tcbLevels: _, ...body }) => body },
  },
  "tcb-info-version": {
    step: "E",
    code: "TCB_INFO_VERSION_UNKNOWN",
    about: "version 4",
    adjust: { tcbInfo: (body) => ({ ...body, version: 4 }) },
  },
  "tcb-info-version-2-for-tdx": {
    step: "E",
    code: "TCB_INFO_VERSION_UNKNOWN",
    about: "version 2 does not know TDX",
    ...tdx,
    adjust: { tcbInfo: (body) => ({ ...body, version: 2 }) },
  },
  "tcb-info-of-other-tee": {
    step: "E",
    code: "TCB_INFO_KIND_WRONG",
    about: "TCB info of SGX for a trust domain",
    ...tdx,
    adjust: { tcbInfo: (body) => ({ ...body, id: "SGX" }) },
  },
  "tcb-info-expired": {
    step: "E",
    code: "TCB_INFO_NOT_CURRENT",
    about: "past its next update",
    adjust: { tcbInfo: (body) => ({ ...body, issueDate: "2020-01-01T00:00:00Z", nextUpdate: "2020-02-01T00:00:00Z" }) },
  },
  "tcb-info-too-early": {
    step: "E",
    code: "TCB_INFO_NOT_CURRENT",
    about: "issued in the future",
    adjust: { tcbInfo: (body) => ({ ...body, issueDate: "2090-01-01T00:00:00Z", nextUpdate: "2090-02-01T00:00:00Z" }) },
  },
  "tcb-info-family": {
    step: "E",
    code: "TCB_INFO_FMSPC_WRONG",
    about: "of another platform family",
    adjust: { tcbInfo: (body) => ({ ...body, fmspc: "00606A000000" }) },
  },
  "tcb-info-pce": {
    step: "E",
    code: "TCB_INFO_PCE_ID_WRONG",
    about: "of another provisioning enclave",
    adjust: { tcbInfo: (body) => ({ ...body, pceId: "0001" }) },
  },
  "tcb-status": {
    step: "E",
    code: "TCB_STATUS_UNKNOWN",
    about: "a status that nobody knows",
    adjust: { tcbInfo: (body) => mapLevels(body, (level) => ({ ...level, tcbStatus: "Splendid" })) },
  },
  // F
  "qe-identity-missing": {
    step: "F",
    code: "COLLATERAL_MISSING",
    about: "no QE identity",
    adjust: collateral(() => ({ qeIdentity: null })),
  },
  "qe-identity-signature": {
    step: "F",
    code: "QE_IDENTITY_SIGNATURE_INVALID",
    about: "another key signed it",
    adjust: strangerSigns("qeIdentity"),
  },
  "qe-identity-changed": {
    step: "F",
    code: "QE_IDENTITY_SIGNATURE_INVALID",
    about: "one word of it was changed after it was signed",
    adjust: withBody("qeIdentity", (body) => body.replace('"isvprodid":1', '"isvprodid":9')),
  },
  "qe-identity-garbage": {
    step: "F",
    code: "QE_IDENTITY_MALFORMED",
    about: "a signed list in place of a map",
    adjust: { qeIdentity: () => "[]" },
  },
  "qe-identity-version": {
    step: "F",
    code: "QE_IDENTITY_VERSION_UNKNOWN",
    about: "version 1",
    adjust: { qeIdentity: (body) => ({ ...body, version: 1 }) },
  },
  "qe-identity-of-other-tee": {
    step: "F",
    code: "QE_IDENTITY_KIND_WRONG",
    about: "the identity of SGX's quoting enclave for TDX",
    ...tdx,
    adjust: { qeIdentity: (body) => ({ ...body, id: "QE" }) },
  },
  "qe-identity-expired": {
    step: "F",
    code: "QE_IDENTITY_NOT_CURRENT",
    about: "past its next update",
    adjust: {
      qeIdentity: (body) => ({ ...body, issueDate: "2020-01-01T00:00:00Z", nextUpdate: "2020-02-01T00:00:00Z" }),
    },
  },
  "qe-identity-too-early": {
    step: "F",
    code: "QE_IDENTITY_NOT_CURRENT",
    about: "issued in the future",
    adjust: {
      qeIdentity: (body) => ({ ...body, issueDate: "2090-01-01T00:00:00Z", nextUpdate: "2090-02-01T00:00:00Z" }),
    },
  },
};
