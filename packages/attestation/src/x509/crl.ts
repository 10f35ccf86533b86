// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { contextTag, DerReader, readWhole, TAG } from "../der/reader.ts";
import { listElements, readTime, toBitStringBytes, toSmallNumber } from "../der/values.ts";
import { Malformed, toBuffer } from "../malformed.ts";
import type { Window } from "../window.ts";
import { type SignatureAlgorithm, toSignatureAlgorithm } from "./algorithm.ts";
import { type Extensions, readExtensions, readSerial } from "./certificate.ts";
import { parseHex, parsePem } from "./pem.ts";

/** A CRL of version 2, parsed and not verified. */
export type Crl = {
  /** SHA-256 of the DER, hex. */
  fingerprint: string;
  signedBytes: Buffer;
  algorithm: SignatureAlgorithm;
  signature: Buffer;
  /** Raw name. */
  issuer: Buffer;
  /** From this update to the next. */
  window: Window;
  /** Serial numbers as hex of the integer's bytes. */
  revoked: ReadonlySet<string>;
};

const OID = { authorityKey: "2.5.29.35", crlNumber: "2.5.29.20" } as const;
/** Largest CRL that is looked at: some 20,000 entries. */
const LARGEST_BYTES = 1_048_576;

/**
 * Parses a CRL (RFC 5280, section 5.1). Version 2, with nextUpdate, authority key identifier and CRL number; any
 * critical extension is refused, since it would change what the list means (a delta, or part of a list).
 *
 * @throws Malformed
 */
export function readCrl(bytes: Uint8Array): Crl {
  const der = toBuffer(bytes);
  if (der.length > LARGEST_BYTES) throw new Malformed(`a CRL is larger than ${LARGEST_BYTES} bytes`);
  return readWhole(der, (outer) => {
    const reader = outer.enter();
    const tbs = reader.read(TAG.sequence);
    const algorithm = reader.read(TAG.sequence);
    const signature = toBitStringBytes(reader.read(TAG.bitString));
    reader.end();
    return {
      fingerprint: hash("sha256", der, "hex"),
      signedBytes: tbs.bytes,
      algorithm: toSignatureAlgorithm(algorithm),
      signature,
      ...readTbs(new DerReader(tbs.content), algorithm.bytes),
    };
  });
}

function readTbs(reader: DerReader, algorithm: Buffer) {
  if (toSmallNumber(reader.read(TAG.integer), 1) !== 1) throw new Malformed("a CRL is not of version 2");
  if (!reader.read(TAG.sequence).bytes.equals(algorithm)) throw new Malformed("a CRL names two signature algorithms");
  const issuer = reader.read(TAG.sequence).bytes;
  const thisUpdate = readTime(reader);
  if (reader.nextTag !== TAG.utcTime && reader.nextTag !== TAG.generalizedTime) {
    throw new Malformed("a CRL does not say when the next one comes");
  }
  const nextUpdate = readTime(reader);
  const entries = reader.optional(TAG.sequence);
  const extensions = readExtensions(reader.read(contextTag(0)).content);
  reader.end();
  checkExtensions(extensions);
  return {
    issuer,
    window: { from: thisUpdate, to: nextUpdate },
    revoked: readEntries(entries?.content ?? Buffer.alloc(0)),
  };
}

function checkExtensions(extensions: Extensions): void {
  for (const oid of [OID.authorityKey, OID.crlNumber]) {
    if (!extensions.has(oid)) throw new Malformed("a CRL has no authority key identifier or no number");
  }
  for (const { isCritical } of extensions.values()) {
    if (isCritical) throw new Malformed("a CRL has a critical extension");
  }
}

function readEntries(content: Buffer): ReadonlySet<string> {
  const revoked = new Set<string>();
  const list = new DerReader(content);
  while (list.nextTag !== undefined) {
    const entry = list.enter();
    revoked.add(readSerial(entry));
    readTime(entry);
    if (entry.nextTag !== undefined) checkEntryExtensions(entry);
    entry.end();
  }
  return revoked;
}

/** An entry may say why; a critical extension could say that it means another issuer's certificate. */
function checkEntryExtensions(entry: DerReader): void {
  for (const element of listElements(entry.read(TAG.sequence).content)) {
    const reader = new DerReader(element.content);
    reader.read(TAG.oid);
    if (reader.optional(TAG.boolean) !== undefined) throw new Malformed("a CRL entry has a critical extension");
    reader.read(TAG.octetString);
    reader.end();
  }
}

const ASCII_DASH = 0x2d;

/**
 * The DER of a CRL that came as DER, PEM or hex digits (PCS sends DER or PEM, older caching services hex).
 *
 * @throws Malformed
 */
export function toCrlDer(bytes: Uint8Array): Buffer {
  const buffer = toBuffer(bytes);
  if (buffer.length > 2 * LARGEST_BYTES) throw new Malformed(`a CRL is larger than ${LARGEST_BYTES} bytes`);
  if (buffer[0] === TAG.sequence && buffer[1] !== undefined && buffer[1] >= 0x80) return buffer;
  const text = buffer.toString("latin1").trim();
  if (buffer[0] !== ASCII_DASH) return parseHex(text);
  const [der, ...more] = parsePem(text, "X509 CRL");
  if (der === undefined || more.length > 0) throw new Malformed("there is not one CRL");
  return der;
}
