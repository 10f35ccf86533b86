// SPDX-License-Identifier: Apache-2.0
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { contextTag, type DerElement, DerReader, readWhole, TAG } from "../der/reader.ts";
import { toOid, toSmallNumber } from "../der/values.ts";
import { Malformed } from "../malformed.ts";
import { toDerSignature } from "./ecdsa-signature.ts";

/** The two signature algorithms that Intel's and AMD's certificates have. */
export type SignatureAlgorithm = "ecdsa-sha256" | "rsa-pss-sha384";
export type KeyKind = "p256" | "p384" | "rsa";

const OID = {
  ecdsaSha256: "1.2.840.10045.4.3.2",
  rsaPss: "1.2.840.113549.1.1.10",
  mgf1: "1.2.840.113549.1.1.8",
  sha384: "2.16.840.1.101.3.4.2.2",
  ecPublicKey: "1.2.840.10045.2.1",
  rsaEncryption: "1.2.840.113549.1.1.1",
} as const;
const CURVES: Readonly<Record<string, KeyKind>> = { "1.2.840.10045.3.1.7": "p256", "1.3.132.0.34": "p384" };

const PSS_SALT_BYTES = 48;
const LONGEST_RSA_KEY_BYTES = 600;

/** Reads an AlgorithmIdentifier of a signature. */
export function toSignatureAlgorithm(element: DerElement): SignatureAlgorithm {
  const reader = new DerReader(element.content);
  const oid = toOid(reader.read(TAG.oid));
  if (oid === OID.rsaPss) readPssParameters(reader.enter());
  else if (oid !== OID.ecdsaSha256) throw new Malformed("a signature algorithm is neither ECDSA nor RSA-PSS");
  reader.end();
  return oid === OID.rsaPss ? "rsa-pss-sha384" : "ecdsa-sha256";
}

/** RSASSA-PSS-params (RFC 4055): SHA-384 throughout, salt of 48 bytes, trailer 1 whether written or not. */
function readPssParameters(reader: DerReader): void {
  readHash(reader.enter(contextTag(0)).enter());
  const mask = reader.enter(contextTag(1)).enter();
  if (toOid(mask.read(TAG.oid)) !== OID.mgf1) throw new Malformed("a mask function is not MGF1");
  readHash(mask.enter());
  mask.end();
  const salt = toSmallNumber(reader.enter(contextTag(2)).read(TAG.integer), PSS_SALT_BYTES);
  const trailer = reader.optional(contextTag(3));
  if (trailer !== undefined) readWhole(trailer.content, (inner) => toSmallNumber(inner.read(TAG.integer), 1));
  if (salt !== PSS_SALT_BYTES) throw new Malformed("an RSA-PSS salt is not of 48 bytes");
  reader.end();
}

function readHash(reader: DerReader): void {
  if (toOid(reader.read(TAG.oid)) !== OID.sha384) throw new Malformed("a hash is not SHA-384");
  reader.optional(TAG.null);
  reader.end();
}

/** What key a SubjectPublicKeyInfo holds; other keys are malformed here, so that none reaches OpenSSL. */
export function toKeyKind(spki: DerElement): KeyKind {
  const reader = new DerReader(spki.content);
  const algorithm = reader.enter();
  const oid = toOid(algorithm.read(TAG.oid));
  const key = reader.read(TAG.bitString).content;
  reader.end();
  if (oid === OID.rsaEncryption) {
    if (key.length > LONGEST_RSA_KEY_BYTES) throw new Malformed("an RSA key is of more than 4096 bits");
    return "rsa";
  }
  const kind = oid === OID.ecPublicKey ? CURVES[toOid(algorithm.read(TAG.oid))] : undefined;
  if (kind === undefined) throw new Malformed("a key is of none of the kinds P-256, P-384 and RSA");
  return kind;
}

/** Imports a SubjectPublicKeyInfo. */
export function importKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch (error) {
    throw new Malformed("a public key is not valid", { cause: error });
  }
}

const P256_SPKI_HEAD = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");

/** Imports a point of P-256 given as x || y. */
export function importP256Point(point: Uint8Array): KeyObject {
  return importKey(Buffer.concat([P256_SPKI_HEAD, point]));
}

/** Whether a P-256 key signed SHA-256 of the bytes; the signature is r || s. */
export function isSignedByP256(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify("sha256", bytes, key, toDerSignature(signature));
}

/** Who signs certificates and CRLs: a key and what it is. */
export type Signer = { key: KeyObject; keyKind: KeyKind };

/** Whether a key signed a certificate or CRL. The algorithm it names must be the one for that kind of key. */
export function isSignedBy(
  { key, keyKind }: Signer,
  {
    signedBytes: bytes,
    algorithm,
    signature,
  }: { signedBytes: Buffer; algorithm: SignatureAlgorithm; signature: Buffer },
): boolean {
  if (keyKind === "p256") return algorithm === "ecdsa-sha256" && verify("sha256", bytes, key, signature);
  if (keyKind !== "rsa" || algorithm !== "rsa-pss-sha384") return false;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify("sha384", bytes, { key, padding, saltLength: PSS_SALT_BYTES }, signature);
}
