// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import * as asn1 from "asn1js";
import * as pkijs from "pkijs";

/** What goes into a PKCS#12 store. Certificates and keys are PEM. */
export type StoreContent = {
  /** A private key with its chain: the key's own certificate first. */
  key?: { alias: string; privateKey: string; chain: readonly string[] };
  /** Certificates that a Java reader shall trust. */
  trusted: readonly { alias: string; certificate: string }[];
};

/**
 * Rounds make guessing a password slower. These passwords are 256 random bits, which nobody guesses, and each JVM pays
 * for the rounds at its start, when its code is still interpreted: no more than RFC 8018 (section 4.2) asks for at least.
 */
const ITERATIONS = 1_000;

const OID = {
  certificateBag: "1.2.840.113549.1.12.10.1.3",
  shroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
  x509Certificate: "1.2.840.113549.1.9.22.1",
  friendlyName: "1.2.840.113549.1.9.20",
  localKeyId: "1.2.840.113549.1.9.21",
  /** Java takes a certificate without a key for trusted only where this attribute says for what. */
  javaTrustedKeyUsage: "2.16.840.1.113894.746875.1.1",
  anyExtendedKeyUsage: "2.5.29.37.0",
} as const;

/**
 * Encodes a PKCS#12 store: PBES2 with AES-256-CBC and PBKDF2 over HMAC-SHA-256 for keys and certificates,
 * HMAC-SHA-256 over the whole (RFC 7292, RFC 8018). Opens in Java 12 and later, OpenSSL and Node.
 */
export async function encodeStore(content: StoreContent, password: string): Promise<Buffer> {
  const secret = new Uint8Array(Buffer.from(password, "utf8")).buffer;
  const encryption = {
    password: secret,
    contentEncryptionAlgorithm: { name: "AES-CBC", length: 256 },
    hmacHashAlgorithm: "SHA-256",
    iterationCount: ITERATIONS,
  };
  const { key } = content;
  // What ties a key to its certificate: any value, as long as both bags carry the same.
  const localKeyId = randomBytes(20);
  const certificates = [
    ...(key?.chain ?? []).map((pem, position) =>
      certificateBag(pem, position === 0 ? [friendlyName(key?.alias ?? ""), keyIdentifier(localKeyId)] : []),
    ),
    ...content.trusted.map((entry) => certificateBag(entry.certificate, [friendlyName(entry.alias), trustedForAll()])),
  ];
  const safes = [{ privacyMode: 1, value: new pkijs.SafeContents({ safeBags: certificates }) }];
  if (key !== undefined) {
    const bag = await shroudedKeyBag(key.privateKey, encryption);
    bag.bagAttributes = [friendlyName(key.alias), keyIdentifier(localKeyId)];
    // The bag is encrypted by itself: no second layer.
    safes.push({ privacyMode: 0, value: new pkijs.SafeContents({ safeBags: [bag] }) });
  }
  const authenticatedSafe = new pkijs.AuthenticatedSafe({ parsedValue: { safeContents: safes } });
  await authenticatedSafe.makeInternalValues({ safeContents: safes.map(() => ({ ...encryption })) });
  const store = new pkijs.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe } });
  await store.makeInternalValues({
    password: secret,
    iterations: ITERATIONS,
    pbkdf2HashAlgorithm: "SHA-256",
    hmacHashAlgorithm: "SHA-256",
  });
  return Buffer.from(store.toSchema().toBER(false));
}

async function shroudedKeyBag(privateKey: string, encryption: object): Promise<pkijs.SafeBag> {
  const der = createPrivateKey(privateKey).export({ type: "pkcs8", format: "der" });
  const bagValue = new pkijs.PKCS8ShroudedKeyBag({
    parsedValue: pkijs.PrivateKeyInfo.fromBER(new Uint8Array(der).buffer),
  });
  await bagValue.makeInternalValues({ ...encryption } as Parameters<typeof bagValue.makeInternalValues>[0]);
  return new pkijs.SafeBag({ bagId: OID.shroudedKeyBag, bagValue });
}

function certificateBag(pem: string, bagAttributes: pkijs.Attribute[]): pkijs.SafeBag {
  const der = new Uint8Array(new X509Certificate(pem).raw).buffer;
  const bagValue = new pkijs.CertBag({ certId: OID.x509Certificate, parsedValue: pkijs.Certificate.fromBER(der) });
  // The bytes as signed, not a second encoding of what was parsed.
  bagValue.certValue = new asn1.OctetString({ valueHex: der });
  return new pkijs.SafeBag({
    bagId: OID.certificateBag,
    bagValue,
    ...(bagAttributes.length > 0 ? { bagAttributes } : {}),
  });
}

const friendlyName = (alias: string): pkijs.Attribute =>
  new pkijs.Attribute({ type: OID.friendlyName, values: [new asn1.BmpString({ value: alias })] });

const keyIdentifier = (identifier: Buffer): pkijs.Attribute =>
  new pkijs.Attribute({
    type: OID.localKeyId,
    values: [new asn1.OctetString({ valueHex: new Uint8Array(identifier).buffer })],
  });

const trustedForAll = (): pkijs.Attribute =>
  new pkijs.Attribute({
    type: OID.javaTrustedKeyUsage,
    values: [new asn1.ObjectIdentifier({ value: OID.anyExtendedKeyUsage })],
  });
