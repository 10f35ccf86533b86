// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { type CertificateSpec, type CrlSpec, issueCertificate, issueCrl, KEY_USAGE, toPem } from "./certificate.ts";
import { type Issue, makeQeIdentity, makeTcbInfo } from "./collateral.ts";
import { describeRoot, makeP256, makeSerial, type Root } from "./installation.ts";
import { makeQuote } from "./quote.ts";
import { type Platform, toSgxExtension } from "./sgx-extension.ts";
import type { Adjust, CertificateRole, Collateral, IntelWish, Json, Signed } from "./wish.ts";

/** What a simulation gives: evidence, collateral for it, and the root under which both are right. */
export type SimulatedIntel = { evidence: Buffer; collateral: Collateral; rootPem: string };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Collateral is issued a little before it is used, and lasts as long as Intel's. */
const ISSUED_BEFORE_MS = HOUR_MS;
const COLLATERAL_DAYS = 30;
const LEAF_YEARS = 7;
/** Revoked by every simulated list, so that none is empty. */
export const REVOKED_SERIAL = Buffer.from("5e".repeat(16), "hex");

const DISTRIBUTION = "https://simulation.invalid/";

/** A platform of the kind that simulations run on when nothing else is asked for. */
export const makePlatform = (): Platform => ({
  ppid: randomBytes(16),
  components: [7, 9, 3, 3, 2, 1, 1, 5, 1, 1, 1, 1, 1, 1, 1, 1],
  pceSvn: 13,
  cpuSvn: Buffer.from("07090303020101050101010101010101", "hex"),
  pceId: Buffer.alloc(2),
  fmspc: Buffer.from("50806f000000", "hex"),
  type: 1,
  instanceId: randomBytes(16),
});

/** A measurement from a word: SHA-384 or SHA-256 of it, as long as the field is. */
const measure = (algorithm: "sha256" | "sha384", word: string): Buffer => createHash(algorithm).update(word).digest();

/** Evidence that is right in every respect, with the measurements of a workload called `name`. */
export function makeWish(tee: "sgx" | "tdx", overrides: Partial<IntelWish> = {}, name = "workload"): IntelWish {
  const version = overrides.version ?? (tee === "sgx" ? 3 : 4);
  return {
    tee,
    version,
    bodyType: tee === "sgx" ? 1 : version === 5 ? 3 : 2,
    reportData: Buffer.alloc(64),
    enclave: {
      mrenclave: measure("sha256", `${name} enclave`),
      mrsigner: measure("sha256", `${name} signer`),
      isvProdId: 1,
      isvSvn: 2,
      configId: Buffer.alloc(64),
      configSvn: 0,
      flags: 0n,
    },
    domain: {
      mrtd: measure("sha384", `${name} domain`),
      rtmr: [
        measure("sha384", `${name} firmware`),
        measure("sha384", `${name} boot loader`),
        measure("sha384", `${name} kernel`),
        Buffer.alloc(48),
      ],
      mrconfigid: Buffer.alloc(48),
      mrowner: Buffer.alloc(48),
      mrownerconfig: Buffer.alloc(48),
      mrservicetd: Buffer.alloc(48),
      attributes: 1n << 28n,
      xfam: 0x600e7n,
      teeTcbSvn: Buffer.from([5, 1, 6, ...Array(13).fill(0)]),
      teeTcbSvn2: Buffer.from([5, 1, 6, ...Array(13).fill(0)]),
    },
    platform: makePlatform(),
    qeSvn: 8,
    status: "UpToDate",
    qeStatus: "UpToDate",
    moduleStatus: "UpToDate",
    advisoryIds: [],
    tcbEvaluationDataNumber: 19,
    ca: "platform",
    ...overrides,
  };
}

/**
 * A trust domain (TD 1.5) whose host got a newer TDX module and microcode under it: launching it again would make it
 * current, so a verifier says TDRelaunchAdvised.
 */
export function adviseRelaunch(wish: IntelWish): IntelWish {
  const { teeTcbSvn2 } = wish.domain;
  const older = Buffer.from(teeTcbSvn2.map((svn, index) => (index === 1 ? svn : Math.max(0, svn - 1))));
  return { ...wish, version: 5, bodyType: 3, domain: { ...wish.domain, teeTcbSvn: older, newestTcbSvn: teeTcbSvn2 } };
}

/** The hierarchy of one simulation as it is being made. */
type Maker = { root: Root; adjust: Adjust; now: Date; issue: Issue };

const addYears = (instant: Date, years: number): Date => {
  const later = new Date(instant);
  later.setUTCFullYear(instant.getUTCFullYear() + years);
  return later;
};

/** Which key signs: the right one, unless an adjustment says otherwise. */
const keyFor = ({ adjust }: Maker, what: Signed, right: KeyObject): KeyObject => adjust.key?.(what, right) ?? right;

function certify(maker: Maker, role: CertificateRole, spec: CertificateSpec, signer: KeyObject): Buffer {
  const wanted = maker.adjust.certificate?.(role, spec) ?? spec;
  return issueCertificate(wanted, keyFor(maker, role, signer), "ecdsa-sha256");
}

function revoke(maker: Maker, role: "rootCrl" | "pckCrl", issuer: { name: string; key: KeyObject }): Buffer {
  const spec: CrlSpec = {
    issuer: issuer.name,
    thisUpdate: maker.issue.issueDate,
    nextUpdate: maker.issue.nextUpdate,
    number: 1,
    issuerKey: createPublicKey(issuer.key),
    revoked: [REVOKED_SERIAL],
    extensions: [],
  };
  return issueCrl(maker.adjust.crl?.(role, spec) ?? spec, keyFor(maker, role, issuer.key));
}

function signJson(maker: Maker, what: "tcbInfo" | "qeIdentity", json: Json, key: KeyObject) {
  const wanted = maker.adjust[what]?.(json) ?? json;
  const body = typeof wanted === "string" ? wanted : JSON.stringify(wanted);
  const signer = keyFor(maker, what, key);
  const signature = sign("sha256", Buffer.from(body), { key: signer, dsaEncoding: "ieee-p1363" });
  return { body, signatureHex: signature.toString("hex") };
}

/** The root's certificate, made anew where an adjustment is about it. */
function certifyRoot(maker: Maker): Buffer {
  const { root, adjust } = maker;
  if (adjust.certificate === undefined && adjust.key === undefined) return root.certificate;
  const validity = { notBefore: addYears(maker.now, -1), notAfter: addYears(maker.now, LEAF_YEARS + 1) };
  return certify(maker, "root", describeRoot(root, createPublicKey(root.key), validity), root.key);
}

/**
 * Makes Intel-like evidence with everything that a verifier needs for it.
 *
 * @param root a root of vendor "intel"
 * @param wish what the evidence shall say; `makeWish` gives what is right
 * @param options.now the instant at which it shall be valid
 * @param options.adjust makes single parts wrong, for tests
 */
export function simulateIntel(
  root: Root,
  wish: IntelWish,
  { now, adjust = {} }: { now: Date; adjust?: Adjust },
): SimulatedIntel {
  const issueDate = new Date(now.getTime() - ISSUED_BEFORE_MS);
  const nextUpdate = new Date(issueDate.getTime() + COLLATERAL_DAYS * DAY_MS);
  const maker: Maker = { root, adjust, now, issue: { issueDate, nextUpdate } };
  const validity = { notBefore: issueDate, notAfter: addYears(now, LEAF_YEARS) };

  const rootPem = toPem(certifyRoot(maker));
  const ca = wish.ca === "platform" ? "Platform" : "Processor";
  const intermediate = { name: `Bulwark Simulation SGX PCK ${ca} CA`, ...makeP256() };
  const [pck, signing, attestation] = [makeP256(), makeP256(), makeP256()];
  const rootAsIssuer = {
    issuer: root.name,
    issuerKey: createPublicKey(root.key),
    distributionPoint: `${DISTRIBUTION}root.crl`,
  };
  const leaf = { ...validity, isAuthority: false, keyUsage: KEY_USAGE.signature };

  const intermediatePem = toPem(
    certify(
      maker,
      "intermediate",
      {
        ...rootAsIssuer,
        ...validity,
        subject: intermediate.name,
        serial: makeSerial(),
        publicKey: intermediate.publicKey,
        isAuthority: true,
        pathLength: 0,
        keyUsage: KEY_USAGE.authority,
        extensions: [],
      },
      root.key,
    ),
  );
  const pckPem = toPem(
    certify(
      maker,
      "pck",
      {
        ...leaf,
        subject: "Bulwark Simulation SGX PCK Certificate",
        issuer: intermediate.name,
        issuerKey: intermediate.publicKey,
        distributionPoint: `${DISTRIBUTION}pck.crl`,
        serial: makeSerial(),
        publicKey: pck.publicKey,
        extensions: [toSgxExtension(wish.platform)],
      },
      intermediate.privateKey,
    ),
  );
  const signingPem = toPem(
    certify(
      maker,
      "tcbSigning",
      {
        ...rootAsIssuer,
        ...leaf,
        subject: "Bulwark Simulation SGX TCB Signing",
        serial: makeSerial(),
        publicKey: signing.publicKey,
        extensions: [],
      },
      root.key,
    ),
  );

  const signingChain = { issuerChainPem: signingPem + rootPem };
  const pckCrl = revoke(maker, "pckCrl", { name: intermediate.name, key: intermediate.privateKey });
  const rootCrl = revoke(maker, "rootCrl", { name: root.name, key: root.key });
  const collateral: Collateral = {
    tcbInfo: { ...signingChain, ...signJson(maker, "tcbInfo", makeTcbInfo(wish, maker.issue), signing.privateKey) },
    qeIdentity: {
      ...signingChain,
      ...signJson(maker, "qeIdentity", makeQeIdentity(wish, maker.issue), signing.privateKey),
    },
    pckCrl: { issuerChainPem: intermediatePem + rootPem, derBase64: pckCrl.toString("base64") },
    rootCaCrl: { derBase64: rootCrl.toString("base64") },
  };
  const keys = {
    pck: pck.privateKey,
    attestation: attestation.privateKey,
    attestationPublic: attestation.publicKey,
  };
  return {
    evidence: makeQuote(wish, keys, [pckPem, intermediatePem, rootPem], adjust),
    collateral: adjust.collateral?.(collateral) ?? collateral,
    rootPem,
  };
}
