// SPDX-License-Identifier: Apache-2.0
import { formatInstant } from "../instant.ts";
import { readAs } from "../malformed.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { parsePem } from "../x509/pem.ts";

/** What a certificate says of itself. Nothing of it has been verified. */
export type CertificateClaim = {
  commonName: string;
  fingerprint: string;
  serial: string;
  validFrom: string;
  validTo: string;
  isCa: boolean;
  /** Extensions by object identifier; the value is the DER in their octet string. */
  extensions: ReadonlyMap<string, Uint8Array>;
};

const READABLE = {
  code: "EVIDENCE_FORM_UNKNOWN",
  item: "certificate",
  mend: "name a certificate with an EC or RSA key, in PEM or DER",
} as const;

const toClaim = (certificate: Certificate): CertificateClaim => ({
  commonName: certificate.commonName,
  fingerprint: certificate.fingerprint,
  serial: certificate.serial,
  validFrom: formatInstant(certificate.notBefore),
  validTo: formatInstant(certificate.notAfter),
  isCa: certificate.isCa,
  extensions: new Map([...certificate.extensions].map(([id, { value }]) => [id, value])),
});

/**
 * Reads certificates in PEM, or one in DER.
 *
 * @throws EVIDENCE_FORM_UNKNOWN
 */
export function inspectCertificates(input: string | Uint8Array): CertificateClaim[] {
  return readAs(READABLE, () => {
    const ders = typeof input === "string" ? parsePem(input, "CERTIFICATE") : [input];
    return ders.map((der) => toClaim(readCertificate(der)));
  });
}
