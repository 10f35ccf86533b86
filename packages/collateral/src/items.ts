// SPDX-License-Identifier: Apache-2.0
import { type Collateral, type SignedDocument, toCrlBase64 } from "@bulwark/attestation";
import type { HttpAnswer } from "./network.ts";
import { sliceMember } from "./slice-member.ts";
import type { CollateralRequest } from "./source.ts";

/** Which TCB info is wanted where a new one is being rolled out (Intel PCS API v4, parameter `update`). */
export type Update = "early" | "standard";

export type ItemName = "tcbInfo" | "qeIdentity" | "pckCrl" | "rootCaCrl";

/** One item of collateral at a service: its address below the service, its words, and what an answer means. */
export type Item<Name extends ItemName = ItemName> = {
  describe: (request: CollateralRequest) => string;
  path: (request: CollateralRequest, update: Update) => string;
  /** Throws Unusable with what is wrong. */
  read: (answer: HttpAnswer) => NonNullable<Collateral[Name]>;
};

/** An answer that is not what was asked for; the message goes on from "the answer ...". */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

const SIGNATURE = /^[0-9a-fA-F]{128}$/;

/** A chain from a header: percent-encoded PEM, leaf first. */
function readChain({ headers }: HttpAnswer, ...names: readonly string[]): string {
  const header = names.map((name) => headers[name.toLowerCase()]).find((value) => value !== undefined);
  if (header === undefined) throw new Unusable(`has no header ${names[0]}`);
  let pem: string;
  try {
    pem = decodeURIComponent(header);
  } catch {
    throw new Unusable(`has a header ${names[0]} that is not percent-encoded`);
  }
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Unusable(`has no certificates in its header ${names[0]}`);
  return pem.replaceAll("\r\n", "\n");
}

function readDocument(answer: HttpAnswer, member: string, issuerChainPem: string): SignedDocument {
  const text = new TextDecoder().decode(answer.body);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Unusable("is not JSON");
  }
  const { signature } = (parsed ?? {}) as { signature?: unknown };
  const body = sliceMember(text, member);
  if (body === undefined) throw new Unusable(`has not one member ${member}`);
  if (typeof signature !== "string" || !SIGNATURE.test(signature))
    throw new Unusable("has no signature of 128 hex digits");
  return { issuerChainPem, body, signatureHex: signature.toLowerCase() };
}

function readCrl({ body }: HttpAnswer): string {
  try {
    return toCrlBase64(body);
  } catch (cause) {
    throw new Unusable("is no revocation list in DER, PEM or hex", { cause });
  }
}

/** The four items as Intel's PCS and its caches serve them (Intel PCS API v4). */
export const ITEMS: { readonly [Name in ItemName]: Item<Name> } = {
  tcbInfo: {
    describe: ({ tee, fmspc }) => `TCB info for ${tee.toUpperCase()} and FMSPC ${fmspc}`,
    path: ({ tee, fmspc }, update) => `/${tee}/certification/v4/tcb?fmspc=${fmspc}&update=${update}`,
    read: (answer) =>
      readDocument(answer, "tcbInfo", readChain(answer, "TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain")),
  },
  qeIdentity: {
    describe: ({ tee }) => `QE identity for ${tee.toUpperCase()}`,
    path: ({ tee }, update) => `/${tee}/certification/v4/qe/identity?update=${update}`,
    read: (answer) => readDocument(answer, "enclaveIdentity", readChain(answer, "SGX-Enclave-Identity-Issuer-Chain")),
  },
  pckCrl: {
    describe: ({ ca }) => `CRL of the PCK ${ca} CA`,
    path: ({ ca }) => `/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`,
    read: (answer) => ({ issuerChainPem: readChain(answer, "SGX-PCK-CRL-Issuer-Chain"), derBase64: readCrl(answer) }),
  },
  rootCaCrl: {
    describe: () => "CRL of the root",
    path: () => "/sgx/certification/v4/rootcacrl",
    read: (answer) => ({ derBase64: readCrl(answer) }),
  },
};
