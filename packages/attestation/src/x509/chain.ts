// SPDX-License-Identifier: Apache-2.0
import { hash, type KeyObject } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { type Readable, readAs } from "../malformed.ts";
import type { RootKind, TrustedRoot, TrustedRoots } from "../roots.ts";
import { markVerified, type Verified } from "../verified.ts";
import { intersect, type Window } from "../window.ts";
import { importKey, isSignedBy, type KeyKind } from "./algorithm.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { parsePem } from "./pem.ts";

/** What a chain must be: one row per certificate, leaf first, root last. */
export type ChainRules = {
  item: string;
  mend: string;
  /** Kinds of roots that may anchor it. */
  rootKinds: readonly RootKind[];
  links: readonly { name: RegExp; keyKind: KeyKind; mustSayUsage: boolean }[];
  /** Critical extensions that the reader of this chain understands, beside key usage and basic constraints. */
  understood: ReadonlySet<string>;
  codes: {
    malformed: ErrorCode;
    name: ErrorCode;
    signature: ErrorCode;
    constraint: ErrorCode;
    /** For the caller that checks the time. */
    notCurrent: ErrorCode;
  };
};

/** A chain whose every link was checked but for time: that is checked at each use. */
export type Chain = {
  leaf: Certificate;
  /** Issuer of the leaf; the root itself when the chain has two certificates. */
  issuer: Certificate;
  root: Certificate;
  trustedRoot: TrustedRoot;
  leafKey: KeyObject;
  issuerKey: KeyObject;
  rootKey: KeyObject;
  window: Window;
  /** SHA-256 over the certificates' DER, one after another. */
  fingerprint: string;
};

const KEY_USAGE = { digitalSignature: 1 << 0, keyCertSign: 1 << 5 } as const;
const ALWAYS_UNDERSTOOD = new Set(["2.5.29.15", "2.5.29.19"]);

const toReadable = ({ codes, item, mend }: ChainRules): Readable => ({ code: codes.malformed, item, mend });

/** Reads the certificates of a chain in PEM. @throws the chain's code for what is malformed */
export function parseChainPem(pem: string, rules: ChainRules): Certificate[] {
  return readAs(toReadable(rules), () => parsePem(pem, "CERTIFICATE").map(readCertificate));
}

/**
 * Verifies a chain: count, trusted root by its bytes, then each link's name, issuer, constraints and signature.
 * Everything but time (RFC 5280, section 6, for chains of fixed length).
 *
 * @param certificates leaf first, root last
 * @throws ROOT_UNTRUSTED, or a code of the rules
 */
export function verifyChain(
  certificates: readonly Certificate[],
  rules: ChainRules,
  roots: TrustedRoots,
): Verified<Chain> {
  const [leaf, issuer, root] = [certificates[0], certificates[1], certificates.at(-1)];
  if (leaf === undefined || issuer === undefined || root === undefined || certificates.length !== rules.links.length) {
    throw refuse(rules, "malformed", `has ${certificates.length} certificates instead of ${rules.links.length}`);
  }
  // The root comes first: nothing is computed with keys that nobody trusts.
  const trustedRoot = findTrustedRoot(root, rules, roots);
  for (const [index, certificate] of certificates.entries()) checkForm(certificate, index, certificates, rules);
  const keys = readAs(toReadable(rules), () => certificates.map(({ spki }) => importKey(spki)));
  for (const [index, certificate] of certificates.entries()) {
    const key = keys[index + 1] ?? keys.at(-1);
    const { keyKind } = certificates[index + 1] ?? root;
    if (key === undefined || !isSignedBy({ key, keyKind }, certificate)) {
      throw refuse(
        rules,
        "signature",
        `has a certificate that its issuer did not sign: ${printable(certificate.commonName)}`,
      );
    }
  }
  const [leafKey, issuerKey, rootKey] = [keys[0], keys[1], keys.at(-1)] as [KeyObject, KeyObject, KeyObject];
  return markVerified({
    leaf,
    issuer,
    root,
    trustedRoot,
    leafKey,
    issuerKey,
    rootKey,
    window: intersect(certificates.map(({ notBefore, notAfter }) => ({ from: notBefore, to: notAfter }))),
    fingerprint: hash("sha256", Buffer.concat(certificates.map(({ der }) => der)), "hex"),
  });
}

function findTrustedRoot(root: Certificate, rules: ChainRules, roots: TrustedRoots): TrustedRoot {
  const trusted = roots.find(
    ({ fingerprint, kind }) => fingerprint === root.fingerprint && rules.rootKinds.includes(kind),
  );
  if (trusted !== undefined) return trusted;
  throw new BulwarkError(
    "ROOT_UNTRUSTED",
    `The ${rules.item} ends in a root with SHA-256 ${root.fingerprint}, which is not trusted for it.`,
    "use evidence and collateral of the vendor; a name alone proves nothing",
  );
}

/** Name, issuer, key, constraints of one certificate in its place. */
function checkForm(certificate: Certificate, index: number, chain: readonly Certificate[], rules: ChainRules): void {
  const link = rules.links[index];
  const issuer = chain[index + 1] ?? certificate;
  const isLeaf = index === 0;
  if (link === undefined || !link.name.test(certificate.commonName)) {
    throw refuse(rules, "name", `has a certificate with an unexpected name: ${printable(certificate.commonName)}`);
  }
  if (!certificate.issuer.equals(issuer.subject)) {
    throw refuse(rules, "name", "has a certificate whose issuer is not the next certificate");
  }
  const { isCa, pathLength, keyUsage } = certificate;
  const wanted = isLeaf ? KEY_USAGE.digitalSignature : KEY_USAGE.keyCertSign;
  const mayIssue = ((keyUsage ?? 0) & KEY_USAGE.keyCertSign) !== 0;
  const isUsageRight = keyUsage === null ? !link.mustSayUsage : (keyUsage & wanted) !== 0 && !(isLeaf && mayIssue);
  const isLongEnough = isLeaf || pathLength === null || pathLength >= index - 1;
  const isUnderstood = [...certificate.extensions].every(
    ([oid, { isCritical }]) => !isCritical || ALWAYS_UNDERSTOOD.has(oid) || rules.understood.has(oid),
  );
  if (certificate.keyKind !== link.keyKind || isCa === isLeaf || !isUsageRight || !isLongEnough || !isUnderstood) {
    throw refuse(rules, "constraint", `has a certificate that may not stand in its place: ${link.name.source}`);
  }
}

function refuse(
  rules: ChainRules,
  what: "malformed" | "name" | "signature" | "constraint",
  detail: string,
): BulwarkError {
  return new BulwarkError(rules.codes[what], `The ${rules.item} ${detail}.`, rules.mend);
}

const LONGEST_NAME = 80;

/** A name from a certificate as it may stand in a message. */
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, "?").slice(0, LONGEST_NAME);
}
