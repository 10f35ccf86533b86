// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { contextTag, type DerElement, DerReader, readWhole, TAG } from "../der/reader.ts";
import {
  listElements,
  readTime,
  toBitStringBytes,
  toBoolean,
  toIntegerBytes,
  toNamedBits,
  toOid,
  toSmallNumber,
} from "../der/values.ts";
import type { Instant } from "../instant.ts";
import { Malformed, toBuffer } from "../malformed.ts";
import { type KeyKind, type SignatureAlgorithm, toKeyKind, toSignatureAlgorithm } from "./algorithm.ts";

/** An X.509 v3 certificate, parsed and not verified. Buffers are views of `der`. */
export type Certificate = {
  der: Buffer;
  /** SHA-256 of `der`, hex. */
  fingerprint: string;
  /** What the issuer signs. */
  signedBytes: Buffer;
  algorithm: SignatureAlgorithm;
  signature: Buffer;
  /** Hex of the integer's bytes. */
  serial: string;
  /** Raw names: two names are the same when their bytes are. */
  issuer: Buffer;
  subject: Buffer;
  commonName: string;
  notBefore: Instant;
  notAfter: Instant;
  spki: Buffer;
  keyKind: KeyKind;
  isCa: boolean;
  pathLength: number | null;
  /** Named bits, bit 0 = digitalSignature; null when the extension is absent. */
  keyUsage: number | null;
  extensions: Extensions;
};

export type Extensions = ReadonlyMap<string, { isCritical: boolean; value: Buffer }>;

const OID = { commonName: "2.5.4.3", keyUsage: "2.5.29.15", basicConstraints: "2.5.29.19" } as const;
const STRINGS: ReadonlySet<number> = new Set([TAG.utf8String, TAG.printableString, TAG.ia5String]);
const LONGEST_SERIAL = 21;
const LONGEST_PATH = 16;
/** Largest certificate that is looked at; Intel's and AMD's are below 2 KiB. */
const LARGEST_BYTES = 16_384;

/**
 * Parses a certificate (RFC 5280, section 4.1).
 *
 * @throws Malformed
 */
export function readCertificate(bytes: Uint8Array): Certificate {
  const der = toBuffer(bytes);
  if (der.length > LARGEST_BYTES) throw new Malformed(`a certificate is larger than ${LARGEST_BYTES} bytes`);
  return readWhole(der, (outer) => {
    const reader = outer.enter();
    const tbs = reader.read(TAG.sequence);
    const algorithmElement = reader.read(TAG.sequence);
    const signature = toBitStringBytes(reader.read(TAG.bitString));
    reader.end();
    return {
      der,
      fingerprint: hash("sha256", der, "hex"),
      signedBytes: tbs.bytes,
      algorithm: toSignatureAlgorithm(algorithmElement),
      signature,
      ...readTbs(new DerReader(tbs.content), algorithmElement),
    };
  });
}

function readTbs(reader: DerReader, algorithm: DerElement) {
  if (toSmallNumber(reader.enter(contextTag(0)).read(TAG.integer), 2) !== 2) {
    throw new Malformed("a certificate is not of version 3");
  }
  const serial = readSerial(reader);
  if (!reader.read(TAG.sequence).bytes.equals(algorithm.bytes)) {
    throw new Malformed("a certificate names two signature algorithms");
  }
  const issuer = reader.read(TAG.sequence).bytes;
  const validity = reader.enter();
  const [notBefore, notAfter] = [readTime(validity), readTime(validity)];
  validity.end();
  const subject = reader.read(TAG.sequence);
  const spki = reader.read(TAG.sequence);
  const extensions = readExtensions(reader.read(contextTag(3)).content);
  reader.end();
  return {
    serial,
    issuer,
    subject: subject.bytes,
    commonName: findCommonName(subject.content),
    notBefore,
    notAfter,
    spki: spki.bytes,
    keyKind: toKeyKind(spki),
    keyUsage: readKeyUsage(extensions),
    ...readBasicConstraints(extensions),
    extensions,
  };
}

/** A serial number as hex of its bytes, so that it can be looked up in a CRL. */
export function readSerial(reader: DerReader): string {
  const bytes = toIntegerBytes(reader.read(TAG.integer));
  if (bytes.length > LONGEST_SERIAL) throw new Malformed("a serial number is too long");
  return bytes.toString("hex");
}

function findCommonName(name: Buffer): string {
  for (const set of listElements(name)) {
    for (const attribute of listElements(set.content)) {
      const reader = new DerReader(attribute.content);
      const isCommonName = toOid(reader.read(TAG.oid)) === OID.commonName;
      const { tag, content } = reader.any();
      reader.end();
      if (isCommonName && STRINGS.has(tag)) return content.toString("utf8");
    }
  }
  return "";
}

/** Extensions of a certificate or CRL by OID; the content is that of [3] or [0]. */
export function readExtensions(content: Buffer): Extensions {
  const list = readWhole(content, (reader) => reader.read(TAG.sequence));
  const extensions = new Map<string, { isCritical: boolean; value: Buffer }>();
  for (const element of listElements(list.content)) {
    const reader = new DerReader(element.content);
    const oid = toOid(reader.read(TAG.oid));
    const critical = reader.optional(TAG.boolean);
    const value = reader.read(TAG.octetString).content;
    reader.end();
    if (extensions.has(oid)) throw new Malformed("an extension stands there twice");
    extensions.set(oid, { isCritical: critical !== undefined && toBoolean(critical), value });
  }
  return extensions;
}

function readKeyUsage(extensions: Extensions): number | null {
  const extension = extensions.get(OID.keyUsage);
  if (extension === undefined) return null;
  return readWhole(extension.value, (reader) => toNamedBits(reader.read(TAG.bitString)));
}

function readBasicConstraints(extensions: Extensions): { isCa: boolean; pathLength: number | null } {
  const extension = extensions.get(OID.basicConstraints);
  if (extension === undefined) return { isCa: false, pathLength: null };
  return readWhole(extension.value, (outer) => {
    const reader = outer.enter();
    const ca = reader.optional(TAG.boolean);
    const length = reader.optional(TAG.integer);
    reader.end();
    return {
      isCa: ca !== undefined && toBoolean(ca),
      pathLength: length === undefined ? null : toSmallNumber(length, LONGEST_PATH),
    };
  });
}
