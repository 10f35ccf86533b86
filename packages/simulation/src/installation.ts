// SPDX-License-Identifier: Apache-2.0
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { type CertificateSpec, issueCertificate, KEY_USAGE, type SignatureScheme, toPem } from "./certificate.ts";

/** A simulated root of this installation: its name, its key, its certificate. Never part of a workload. */
export type Root = { vendor: Vendor; name: string; key: KeyObject; certificate: Buffer };

export type Vendor = "intel" | "amd";

const VENDORS: Readonly<Record<Vendor, { name: string; scheme: SignatureScheme; pathLength: number }>> = {
  intel: { name: "Bulwark Simulation SGX Root CA ", scheme: "ecdsa-sha256", pathLength: 1 },
  amd: { name: "ARK-Bulwark-Simulation-", scheme: "rsa-pss-sha384", pathLength: 1 },
};
const ROOT_YEARS = 10;
const AMD_BITS = 4096;
const SERIAL_BYTES = 16;

/** A serial number: positive, and its first bit clear, so that its DER has a fixed length. */
export function makeSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

export const makeP256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
export const makeRsa = () => generateKeyPairSync("rsa", { modulusLength: AMD_BITS });

/**
 * Makes a root that no other installation has: key and name are new.
 *
 * @param options.now first instant of its validity; it lasts ten years
 */
export function createRoot(vendor: Vendor, { now }: { now: Date }): Root {
  const { privateKey, publicKey } = vendor === "intel" ? makeP256() : makeRsa();
  const name = `${VENDORS[vendor].name}${randomBytes(4).toString("hex")}`;
  const root = { vendor, name, key: privateKey };
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + ROOT_YEARS);
  const spec = describeRoot(root, publicKey, { notBefore: now, notAfter });
  return { ...root, certificate: issueCertificate(spec, privateKey, VENDORS[vendor].scheme) };
}

/** Certificate of a root before it is signed. */
export function describeRoot(
  { vendor, name }: Omit<Root, "certificate">,
  publicKey: KeyObject,
  validity: { notBefore: Date; notAfter: Date },
): CertificateSpec {
  return {
    ...validity,
    subject: name,
    issuer: name,
    serial: makeSerial(),
    publicKey,
    issuerKey: publicKey,
    isAuthority: true,
    pathLength: VENDORS[vendor].pathLength,
    keyUsage: KEY_USAGE.authority,
    extensions: [],
  };
}

/** A root as two PEM texts, the second secret. */
export function exportRoot(root: Root): { certificatePem: string; keyPem: string } {
  return {
    certificatePem: toPem(root.certificate),
    keyPem: root.key.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Reads what `exportRoot` gave. Throws what node:crypto throws when it is something else, or the two do not belong together. */
export function importRoot(vendor: Vendor, { certificatePem, keyPem }: ReturnType<typeof exportRoot>): Root {
  const certificate = new X509Certificate(certificatePem);
  const key = createPrivateKey(keyPem);
  if (!createPublicKey(key).equals(certificate.publicKey)) throw new Error("key and certificate do not fit");
  const name = /CN=(.*)/.exec(certificate.subject)?.[1] ?? "";
  return { vendor, name, key, certificate: certificate.raw };
}

/** SHA-256 of a root's certificate, small hex: how policies and trusted roots name it. */
export const toFingerprint = (root: Root): string => createHash("sha256").update(root.certificate).digest("hex");
