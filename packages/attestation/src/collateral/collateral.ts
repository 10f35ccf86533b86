// SPDX-License-Identifier: Apache-2.0

/** A JSON document of Intel's, its signature, and the chain of its signer. */
export type SignedDocument = {
  /** PEM, leaf first, root last. */
  issuerChainPem: string;
  /** The inner JSON value as text; its UTF-8 bytes are what Intel signed. Never parsed and written again. */
  body: string;
  /** r || s, 64 bytes in hex, over SHA-256 of `body`. */
  signatureHex: string;
};

/** What Intel says of a platform beside the quote. `null` where an item is not at hand: verification then refuses. */
export type Collateral = {
  tcbInfo: SignedDocument | null;
  qeIdentity: SignedDocument | null;
  /** CRL of the CA that issued the PCK certificate; its own chain is not needed, the quote's is used. */
  pckCrl: { derBase64: string; issuerChainPem?: string } | null;
  rootCaCrl: { derBase64: string } | null;
  /** Only when the quote does not carry its own chain in PEM. */
  pckChainPem?: string | null;
};

/** What AMD says of a chip beside the report. */
export type SnpCollateral = {
  endorsementKeyKind: "vcek" | "vlek";
  endorsementKeyDerBase64: string;
  /** Intermediate, then root. */
  caChainPem: string;
  /** CRL of the root, when at hand. */
  crlDerBase64?: string | null;
};
