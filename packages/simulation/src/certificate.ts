// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, type KeyObject, sign } from "node:crypto";
import { bits, boolean, element, explicit, integer, octets, oid, sequence, set, time, utf8 } from "./der.ts";

/** How an issuer signs: as Intel's hierarchy does, or as AMD's. */
export type SignatureScheme = "ecdsa-sha256" | "rsa-pss-sha384";

/** One extension of a certificate or list; `value` is the DER inside its octet string. */
export type Extension = { id: string; critical?: boolean; value: Buffer };

/** All that makes a certificate (RFC 5280, section 4.1), before it is signed. */
export type CertificateSpec = {
  subject: string;
  issuer: string;
  serial: Buffer;
  notBefore: Date;
  notAfter: Date;
  publicKey: KeyObject;
  /** Left out where the issuer is not to be named by its key. */
  issuerKey?: KeyObject;
  isAuthority: boolean;
  pathLength?: number;
  /** Bits of the first byte of KeyUsage: 0x80 digital signature, 0x04 certificate signing, 0x02 CRL signing. */
  keyUsage: number;
  distributionPoint?: string;
  extensions: readonly Extension[];
  /** Leaves basic constraints and key usage out, as AMD's endorsement certificates do. */
  bare?: boolean;
};

/** A revocation list (RFC 5280, section 5.1) before it is signed. */
export type CrlSpec = {
  issuer: string;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  number: number;
  issuerKey: KeyObject;
  revoked: readonly Buffer[];
  extensions: readonly Extension[];
};

export const KEY_USAGE = { signature: 0xc0, authority: 0x06 } as const;

const ORGANISATION = "Bulwark Simulation";
const EXTENSION = {
  authorityKey: "2.5.29.35",
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  distributionPoints: "2.5.29.31",
  crlNumber: "2.5.29.20",
} as const;

/** A distinguished name with a common name and our organisation. */
export const toName = (commonName: string): Buffer =>
  sequence(attribute("2.5.4.3", commonName), attribute("2.5.4.10", ORGANISATION));

const attribute = (id: string, text: string): Buffer => set(sequence(oid(id), utf8(text)));

const SHA384 = sequence(oid("2.16.840.1.101.3.4.2.2"), element(0x05));
const SALT_BYTES = 48;

/** Algorithm identifier and signature of each scheme (RFC 5758, section 3.2; RFC 4055, section 3.1). */
const SCHEMES: Readonly<
  Record<SignatureScheme, { algorithm: Buffer; sign: (data: Buffer, key: KeyObject) => Buffer }>
> = {
  "ecdsa-sha256": {
    algorithm: sequence(oid("1.2.840.10045.4.3.2")),
    sign: (data, key) => sign("sha256", data, { key, dsaEncoding: "der" }),
  },
  "rsa-pss-sha384": {
    algorithm: sequence(
      oid("1.2.840.113549.1.1.10"),
      sequence(
        explicit(0, SHA384),
        explicit(1, sequence(oid("1.2.840.113549.1.1.8"), SHA384)),
        explicit(2, integer(SALT_BYTES)),
        explicit(3, integer(1)),
      ),
    ),
    sign: (data, key) =>
      sign("sha384", data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_BYTES }),
  },
};

/** SHA-1 of the public key's bits, as key identifiers commonly are (RFC 5280, section 4.2.1.2). A name, no protection. */
export function toKeyIdentifier(key: KeyObject): Buffer {
  const spki = key.export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki).digest();
}

const toExtension = ({ id, critical = false, value }: Extension): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

function listExtensions(spec: CertificateSpec): Extension[] {
  if (spec.bare === true) return [...spec.extensions];
  const { issuerKey, distributionPoint, isAuthority, pathLength, keyUsage } = spec;
  const unused = keyUsage === 0 ? 0 : Math.clz32(keyUsage & -keyUsage) ^ 31;
  return [
    ...(issuerKey === undefined ? [] : [authorityKeyOf(issuerKey)]),
    ...(distributionPoint === undefined
      ? []
      : [
          {
            id: EXTENSION.distributionPoints,
            value: sequence(sequence(explicit(0, explicit(0, element(0x86, Buffer.from(distributionPoint)))))),
          },
        ]),
    { id: EXTENSION.subjectKey, value: octets(toKeyIdentifier(spec.publicKey)) },
    { id: EXTENSION.keyUsage, critical: true, value: bits(Buffer.from([keyUsage]), unused) },
    {
      id: EXTENSION.basicConstraints,
      critical: true,
      value: sequence(
        ...(isAuthority ? [boolean(true)] : []),
        ...(isAuthority && pathLength !== undefined ? [integer(pathLength)] : []),
      ),
    },
    ...spec.extensions,
  ];
}

const authorityKeyOf = (key: KeyObject): Extension => ({
  id: EXTENSION.authorityKey,
  value: sequence(element(0x80, toKeyIdentifier(key))),
});

function signed(content: Buffer, scheme: SignatureScheme, key: KeyObject): Buffer {
  const { algorithm, sign: make } = SCHEMES[scheme];
  return sequence(content, algorithm, bits(make(content, key)));
}

/** Signs a certificate; DER. */
export function issueCertificate(spec: CertificateSpec, signer: KeyObject, scheme: SignatureScheme): Buffer {
  const content = sequence(
    explicit(0, integer(2)),
    integer(spec.serial),
    SCHEMES[scheme].algorithm,
    toName(spec.issuer),
    sequence(time(spec.notBefore), time(spec.notAfter)),
    toName(spec.subject),
    spec.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...listExtensions(spec).map(toExtension))),
  );
  return signed(content, scheme, signer);
}

/** Signs a revocation list with ECDSA; DER. */
export function issueCrl(spec: CrlSpec, signer: KeyObject): Buffer {
  const entries = spec.revoked.map((serial) => sequence(integer(serial), time(spec.thisUpdate)));
  const extensions: readonly Extension[] = [
    { id: EXTENSION.crlNumber, value: integer(spec.number) },
    authorityKeyOf(spec.issuerKey),
    ...spec.extensions,
  ];
  const content = sequence(
    integer(1),
    SCHEMES["ecdsa-sha256"].algorithm,
    toName(spec.issuer),
    time(spec.thisUpdate),
    ...(spec.nextUpdate === undefined ? [] : [time(spec.nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(0, sequence(...extensions.map(toExtension))),
  );
  return signed(content, "ecdsa-sha256", signer);
}

/** PEM of one certificate. */
export function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
