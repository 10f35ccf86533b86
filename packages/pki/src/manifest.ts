// SPDX-License-Identifier: Apache-2.0
import { createHash, X509Certificate } from "node:crypto";
import { certificateFile, FILE, ROLES, type Role } from "./layout.ts";
import { splitBundle } from "./pem.ts";
import type { Validity } from "./validity.ts";

/** Whose certificate: a role's, the authority's, or an earlier authority's that is still trusted. */
export type CertificateOwner = Role | "ca" | "previous-ca";

/** What may be shown of a certificate. Instants are ISO 8601; the digest is of the DER form, in hex. */
export type CertificateSummary = {
  role: CertificateOwner;
  subject: string;
  serial: string;
  notBefore: string;
  notAfter: string;
  sha256: string;
};

/** What a generation says of itself. Holds no secret. */
export type Manifest = {
  version: 1;
  generation: number;
  created: string;
  validity: Validity;
  certificates: readonly CertificateSummary[];
  /** SHA-256 (hex) of every other file of the generation. */
  files: Readonly<Record<string, string>>;
};

/** Describes the files of a generation. */
export function makeManifest(
  files: ReadonlyMap<string, Buffer>,
  about: { generation: number; now: Date; validity: Validity },
): Manifest {
  return {
    version: 1,
    generation: about.generation,
    created: about.now.toISOString(),
    validity: about.validity,
    certificates: describeCertificates(files),
    files: Object.fromEntries([...files].map(([name, content]) => [name, digest(content)])),
  };
}

/** Reads a manifest, or returns undefined where the text is not one. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text);
    const isWhole =
      value.version === 1 &&
      Number.isSafeInteger(value.generation) &&
      typeof value.created === "string" &&
      Number.isInteger(value.validity.authorityDays) &&
      Number.isInteger(value.validity.leafDays) &&
      Object.values(value.files).every((entry) => typeof entry === "string");
    return isWhole ? value : undefined;
  } catch {
    return undefined;
  }
}

/** SHA-256 in hex. */
export function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Summaries of the certificates among the files: the authority, the roles, then earlier authorities. */
export function describeCertificates(files: ReadonlyMap<string, Buffer>): CertificateSummary[] {
  const text = (name: string): string => files.get(name)?.toString("utf8") ?? "";
  return [
    describe("ca", text(FILE.authorityCertificate)),
    ...ROLES.map((role) => describe(role, text(certificateFile(role)))),
    ...splitBundle(text(FILE.authorityBundle))
      .slice(1)
      .map((pem) => describe("previous-ca", pem)),
  ];
}

function describe(role: CertificateOwner, pem: string): CertificateSummary {
  const certificate = new X509Certificate(pem);
  return {
    role,
    subject: certificate.subject,
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    sha256: digest(certificate.raw),
  };
}
