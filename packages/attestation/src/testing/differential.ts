// SPDX-License-Identifier: Apache-2.0
import { type Collateral as PeerCollateral, verify as verifyByPeer } from "@phala/dcap-qvl";
import type { Collateral, SignedDocument } from "../collateral/collateral.ts";
import { type Instant, toInstant } from "../instant.ts";
import { HARDWARE_ROOTS } from "../roots.ts";
import { verifyQuote } from "../verify/verify-quote.ts";
import { codeOf } from "./code-of.ts";
import { type Dice, makeDice } from "./fuzz/mutate.ts";
import type { QuoteVector } from "./vectors.ts";

/** Where two verifiers differ: `ours/theirs`, and on what. */
export type Disagreement = { key: string; on: string };

/**
 * Every way in which `@phala/dcap-qvl` 0.3.9 says something else, and why we are right. A key is what we say and what it
 * says: a status or, where we refuse, our code; "accepts" or "refuses".
 */
export const KNOWN_DISAGREEMENTS: Readonly<Record<string, string>> = {
  "UpToDate/OutOfDate INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986":
    "with a TDX module of version 1 or more, components 0 and 1 are the module's own; it compares all 16 (Intel's TcbLevelCheck.cpp starts at 2)",
  "OutOfDate INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986/refuses":
    "the same: the module of version 1 has SVN 2, below component 0 of every level, so it finds no level at all",
  "COLLATERAL_MISSING/accepts": "without CRLs nobody knows whether a certificate is revoked",
  "ROOT_CRL_MALFORMED/accepts": "it passes over a CRL that it cannot read, an empty one included",
  "ROOT_CRL_ISSUER_WRONG/accepts": "it does not ask who issued a CRL",
  "ROOT_CRL_SIGNATURE_INVALID/accepts": "it does not verify the signature of a CRL",
  "PCK_CRL_MALFORMED/accepts": "as for the root's CRL",
  "PCK_CRL_ISSUER_WRONG/accepts": "as for the root's CRL",
  "PCK_CRL_SIGNATURE_INVALID/accepts": "as for the root's CRL",
  "PCK_CHAIN_MALFORMED/accepts":
    "it takes PEM with other text between or after the certificates; we take white space alone",
};

type Case = { evidence: Buffer; collateral: Collateral; now: Instant; on: string };

/** Runs both verifiers over vectors as they are, and over mutations of those that carry all their collateral. */
export function compare(vectors: readonly QuoteVector[], mutations: number): Disagreement[] {
  const dice = makeDice(20_260_301);
  const whole = vectors.filter(({ expected }) => expected.complete);
  const cases = vectors.map((vector): Case => ({ ...vector, on: vector.name }));
  for (let index = 0; index < mutations; index++) {
    const vector = whole[dice(whole.length)];
    if (vector !== undefined) cases.push(mutateCase(vector, dice));
  }
  return cases.flatMap((one) => compareCase(one));
}

function compareCase({ evidence, collateral, now, on }: Case): Disagreement[] {
  let ours = "";
  const code = codeOf(() => {
    const { tcbStatus, advisoryIds } = verifyQuote(evidence, collateral, { trustedRoots: HARDWARE_ROOTS, now });
    ours = [tcbStatus, ...advisoryIds].join(" ");
  });
  const theirs = askPeer(evidence, collateral, now);
  if (code !== "none") return theirs === undefined ? [] : [{ key: `${code}/accepts`, on }];
  if (theirs === undefined) return [{ key: `${ours}/refuses`, on }];
  return ours === theirs ? [] : [{ key: `${ours}/${theirs}`, on }];
}

/** Status and advisories; undefined for a refusal. */
function askPeer(evidence: Buffer, collateral: Collateral, now: Instant): string | undefined {
  try {
    const { status, advisory_ids } = verifyByPeer(evidence, toPeer(collateral), now / 1000);
    return [status, ...advisory_ids.toSorted()].join(" ");
  } catch {
    return undefined;
  }
}

const toHex = (base64 = ""): string => Buffer.from(base64, "base64").toString("hex");

export function toPeer({ tcbInfo, qeIdentity, pckCrl, rootCaCrl, pckChainPem }: Collateral): PeerCollateral {
  return {
    pck_crl_issuer_chain: pckCrl?.issuerChainPem ?? "",
    root_ca_crl: toHex(rootCaCrl?.derBase64),
    pck_crl: toHex(pckCrl?.derBase64),
    tcb_info_issuer_chain: tcbInfo?.issuerChainPem ?? "",
    tcb_info: tcbInfo?.body ?? "",
    tcb_info_signature: tcbInfo?.signatureHex ?? "",
    qe_identity_issuer_chain: qeIdentity?.issuerChainPem ?? "",
    qe_identity: qeIdentity?.body ?? "",
    qe_identity_signature: qeIdentity?.signatureHex ?? "",
    ...(pckChainPem ? { pck_certificate_chain: pckChainPem } : {}),
  };
}

const DAY_MS = 86_400_000;

function flip(bytes: Buffer, dice: Dice): Buffer {
  const changed = Buffer.from(bytes);
  const at = dice(Math.max(1, changed.length));
  changed[at] = (changed[at] ?? 0) ^ (1 << dice(8));
  return changed;
}

const flipText = (text: string, dice: Dice): string => flip(Buffer.from(text, "latin1"), dice).toString("latin1");
const flipBase64 = (base64: string, dice: Dice): string => flip(Buffer.from(base64, "base64"), dice).toString("base64");

function flipDocument(document: SignedDocument | null, key: keyof SignedDocument, dice: Dice): SignedDocument | null {
  return document && { ...document, [key]: flipText(document[key], dice) };
}

/** What can be wrong with one part of a set. */
const MUTATIONS: Readonly<Record<string, (one: Case, dice: Dice) => Partial<Case>>> = {
  "a flipped bit of the quote": ({ evidence }, dice) => ({ evidence: flip(evidence, dice) }),
  "a cut quote": ({ evidence }, dice) => ({ evidence: evidence.subarray(0, dice(evidence.length)) }),
  "bytes after the quote": ({ evidence }, dice) => ({
    evidence: Buffer.concat([evidence, Buffer.alloc(9, dice(256))]),
  }),
  "another instant": ({ now }, dice) => ({ now: toInstant(now + (dice(400) - 200) * DAY_MS) }),
  "a flipped bit of the TCB info": ({ collateral }, dice) => ({
    collateral: { ...collateral, tcbInfo: flipDocument(collateral.tcbInfo, "body", dice) },
  }),
  "a flipped bit of the TCB info's signature": ({ collateral }, dice) => ({
    collateral: { ...collateral, tcbInfo: flipDocument(collateral.tcbInfo, "signatureHex", dice) },
  }),
  "a flipped bit of the TCB info's chain": ({ collateral }, dice) => ({
    collateral: { ...collateral, tcbInfo: flipDocument(collateral.tcbInfo, "issuerChainPem", dice) },
  }),
  "a flipped bit of the QE identity": ({ collateral }, dice) => ({
    collateral: { ...collateral, qeIdentity: flipDocument(collateral.qeIdentity, "body", dice) },
  }),
  "a flipped bit of the PCK CRL": ({ collateral }, dice) => ({
    collateral: {
      ...collateral,
      pckCrl: collateral.pckCrl && { ...collateral.pckCrl, derBase64: flipBase64(collateral.pckCrl.derBase64, dice) },
    },
  }),
  "a flipped bit of the root CRL": ({ collateral }, dice) => ({
    collateral: {
      ...collateral,
      rootCaCrl: collateral.rootCaCrl && { derBase64: flipBase64(collateral.rootCaCrl.derBase64, dice) },
    },
  }),
  "CRLs that are empty": ({ collateral }) => ({
    collateral: { ...collateral, pckCrl: { derBase64: "" }, rootCaCrl: { derBase64: "" } },
  }),
};
const KINDS = Object.keys(MUTATIONS);

function mutateCase(vector: QuoteVector, dice: Dice): Case {
  const kind = KINDS[dice(KINDS.length)] ?? "";
  const one = { ...vector, on: `${vector.name}: ${kind}` };
  return { ...one, ...MUTATIONS[kind]?.(one, dice) };
}
