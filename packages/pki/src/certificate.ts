// SPDX-License-Identifier: Apache-2.0
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  type webcrypto,
  X509Certificate,
} from "node:crypto";
import { promisify } from "node:util";
import * as asn1 from "asn1js";
import * as pkijs from "pkijs";
import type { Role } from "./layout.ts";

/** A certificate with its private key, both PEM (the key as PKCS#8). */
export type Issued = { certificate: string; key: string };

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
/** How far clocks of two machines may be apart. */
const CLOCK_SKEW_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

const OID = {
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** First octet of the KeyUsage bit string (RFC 5280, 4.2.1.3) and how many of its bits are not used. */
const KEY_USAGE = { digitalSignature: [0x80, 7], signCertificatesAndLists: [0x06, 1] } as const;

/** Makes a certificate authority of its own: P-256, self-signed, may sign end certificates only. */
export async function issueAuthority(now: Date, days: number): Promise<Issued> {
  const keys = await makeKeyPair();
  // A name per authority lets verifiers pick the right one while an old and a new one are both trusted.
  const name = `Bulwark CA ${randomBytes(4).toString("hex")}`;
  const identifier = toKeyIdentifier(keys.publicKey);
  const certificate = draft({ subject: name, issuer: name, publicKey: keys.publicKey, now, days });
  certificate.extensions = [
    extension(OID.basicConstraints, true, new pkijs.BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema()),
    keyUsage(KEY_USAGE.signCertificatesAndLists),
    extension(OID.subjectKeyIdentifier, false, octets(identifier)),
    authorityIdentifier(identifier),
  ];
  return sign(certificate, keys.privateKey, keys.privateKey);
}

/** Whom a certificate is for, beside the loopback names that each is for. */
export type Holder = { subject: string; hosts: readonly string[]; uris: readonly string[] };

const toHolder = (role: Role): Holder => ({
  subject: `bulwark-${role}`,
  hosts: [],
  uris: role === "server" ? [] : [`urn:bulwark:role:${role}`],
});

/** Makes the certificate of a role on this machine, or of a holder elsewhere, for TLS as server and as client. */
export async function issueLeaf(of: Role | Holder, authority: Issued, now: Date, days: number): Promise<Issued> {
  const holder = typeof of === "string" ? toHolder(of) : of;
  const keys = await makeKeyPair();
  const issuer = new X509Certificate(authority.certificate);
  const certificate = draft({
    subject: holder.subject,
    issuer: issuer.subject.replace(/^CN=/, ""),
    publicKey: keys.publicKey,
    now,
    days,
  });
  certificate.extensions = [
    extension(OID.basicConstraints, true, new pkijs.BasicConstraints({ cA: false }).toSchema()),
    keyUsage(KEY_USAGE.digitalSignature),
    extension(
      OID.extendedKeyUsage,
      false,
      new pkijs.ExtKeyUsage({ keyPurposes: [OID.serverAuth, OID.clientAuth] }).toSchema(),
    ),
    extension(OID.subjectAltName, false, alternativeNames(holder)),
    extension(OID.subjectKeyIdentifier, false, octets(toKeyIdentifier(keys.publicKey))),
    authorityIdentifier(toKeyIdentifier(issuer.publicKey)),
  ];
  return sign(certificate, createPrivateKey(authority.key), keys.privateKey);
}

/** Makes the PKCS#10 request (PEM) that would lead to the given certificate. */
export async function requestCertificate(issued: Issued): Promise<string> {
  const key = createPrivateKey(issued.key);
  const certificate = new X509Certificate(issued.certificate);
  const request = new pkijs.CertificationRequest({ version: 0, attributes: [] });
  request.subject = distinguishedName(certificate.subject.replace(/^CN=/, ""));
  request.subjectPublicKeyInfo = toPublicKeyInfo(certificate.publicKey);
  await request.sign(toSigningKey(key), "SHA-256");
  return toPem("CERTIFICATE REQUEST", request.toSchema(true).toBER(false));
}

type Draft = { subject: string; issuer: string; publicKey: KeyObject; now: Date; days: number };

function draft({ subject, issuer, publicKey, now, days }: Draft): pkijs.Certificate {
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1.Integer({ valueHex: toArrayBuffer(randomSerial()) });
  certificate.subject = distinguishedName(subject);
  certificate.issuer = distinguishedName(issuer);
  const wholeSecond = Math.floor(now.getTime() / 1000) * 1000;
  certificate.notBefore = toTime(wholeSecond - CLOCK_SKEW_MS);
  certificate.notAfter = toTime(wholeSecond + days * DAY_MS);
  certificate.subjectPublicKeyInfo = toPublicKeyInfo(publicKey);
  return certificate;
}

async function sign(certificate: pkijs.Certificate, signer: KeyObject, own: KeyObject): Promise<Issued> {
  await certificate.sign(toSigningKey(signer), "SHA-256");
  return {
    certificate: toPem("CERTIFICATE", certificate.toSchema(true).toBER(false)),
    key: own.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const makeKeyPair = () => promisify(generateKeyPair)("ec", { namedCurve: "P-256" });

const toSigningKey = (key: KeyObject): webcrypto.CryptoKey => key.toCryptoKey(P256, false, ["sign"]);

/** 127 random bits: positive, never shorter than sixteen octets (RFC 5280 allows twenty). */
function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

/** RFC 7093, method 1: the leftmost 160 bits of the SHA-256 of the public key bits. */
function toKeyIdentifier(publicKey: KeyObject): Buffer {
  const bits = toPublicKeyInfo(publicKey).subjectPublicKey.valueBlock.valueHexView;
  return createHash("sha256").update(bits).digest().subarray(0, 20);
}

function toPublicKeyInfo(publicKey: KeyObject): pkijs.PublicKeyInfo {
  return pkijs.PublicKeyInfo.fromBER(toArrayBuffer(publicKey.export({ type: "spki", format: "der" })));
}

function distinguishedName(commonName: string): pkijs.RelativeDistinguishedNames {
  return new pkijs.RelativeDistinguishedNames({
    typesAndValues: [
      new pkijs.AttributeTypeAndValue({ type: OID.commonName, value: new asn1.Utf8String({ value: commonName }) }),
    ],
  });
}

/** RFC 5280, 4.1.2.5: two-digit years until 2049, four digits from 2050 on. */
function toTime(epochMs: number): pkijs.Time {
  const value = new Date(epochMs);
  const type = value.getUTCFullYear() < 2050 ? pkijs.TimeType.UTCTime : pkijs.TimeType.GeneralizedTime;
  return new pkijs.Time({ type, value });
}

function alternativeNames({ hosts, uris }: Holder): asn1.AsnType {
  const address = (bytes: number[]) =>
    new pkijs.GeneralName({ type: 7, value: new asn1.OctetString({ valueHex: new Uint8Array(bytes).buffer }) });
  const names = [
    new pkijs.GeneralName({ type: 2, value: "localhost" }),
    address([127, 0, 0, 1]),
    address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ...hosts.map((value) => new pkijs.GeneralName({ type: 2, value })),
    ...uris.map((value) => new pkijs.GeneralName({ type: 6, value })),
  ];
  return new pkijs.GeneralNames({ names }).toSchema();
}

function authorityIdentifier(identifier: Buffer): pkijs.Extension {
  const value = new pkijs.AuthorityKeyIdentifier({ keyIdentifier: octets(identifier) });
  return extension(OID.authorityKeyIdentifier, false, value.toSchema());
}

function keyUsage([octet, unusedBits]: readonly [number, number]): pkijs.Extension {
  return extension(OID.keyUsage, true, new asn1.BitString({ valueHex: new Uint8Array([octet]).buffer, unusedBits }));
}

function extension(extnID: string, critical: boolean, value: asn1.AsnType): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER(false) });
}

const octets = (bytes: Buffer): asn1.OctetString => new asn1.OctetString({ valueHex: toArrayBuffer(bytes) });

const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

function toPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
