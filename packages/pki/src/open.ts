// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { BulwarkError, type ErrorCode, type Finding } from "@bulwark/contracts/errors";
import { type Inspection, inspectKeys } from "./inspect.ts";
import { type Keyring, parseKeyring } from "./keyring.ts";
import { certificateFile, FILE, keyStoreFile, privateKeyFile, type Role } from "./layout.ts";
import { type CertificateSummary, describeCertificates } from "./manifest.ts";
import type { Validity } from "./validity.ts";

/** Absolute paths of what a process of one role needs. */
export type RoleFiles = {
  keyStore: string;
  trustStore: string;
  certificate: string;
  privateKey: string;
  /** The authority that issued the role's certificate. */
  caCertificate: string;
  /** Every authority that is trusted, as PEM: the current one first, then earlier ones. */
  caBundle: string;
};

/** The current generation of keys, checked and read. Holds secrets: never print it. */
export type Keys = {
  /** Absolute path of the generation. Its files never change; it outlives three later changes. */
  folder: string;
  generation: number;
  createdAt: string;
  validity: Validity;
  certificates: readonly CertificateSummary[];
  storePassword: string;
  sparkSecret: string;
  /** MRSIGNER (hex) of enclaves signed with the enclave key. */
  enclaveSigner: string;
  keyring: Keyring;
  files: Readonly<Record<Role, RoleFiles>> & {
    storePassword: string;
    sparkSecret: string;
    keyring: string;
    enclaveKey: string;
  };
};

/** What is worth knowing but keeps nobody from using the keys. */
const ADVICE: readonly ErrorCode[] = ["KEYS_EXPIRING", "KEYS_LEFTOVER"];

/**
 * Opens the current keys. Throws, with all findings: KEYS_MISSING, KEYS_MODE_LOOSE, KEYS_DAMAGED, KEYS_EXPIRED,
 * KEYS_UNREADABLE.
 */
export async function openKeys(folder: string, { now }: { now: Date }): Promise<Keys> {
  const inspection = await inspectKeys(folder, now);
  return toKeys(requireSound(inspection, (code) => !ADVICE.includes(code)));
}

/** Throws the first of some findings, with all of them, if there is any. */
export function refuseFindings(findings: readonly Finding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
  throw new BulwarkError(first.code, `${first.message}${more}`, first.mend, { findings });
}

/** The generation of an inspection without findings of the kinds that count; otherwise throws them. */
export function requireSound(
  { findings, generation }: Inspection,
  counts: (code: ErrorCode) => boolean,
): NonNullable<Inspection["generation"]> {
  refuseFindings(findings.filter((finding) => counts(finding.code)));
  if (generation === undefined) throw new BulwarkError("BUG", "Keys without a generation have no finding", "report it");
  return generation;
}

function toKeys({ folder, manifest, files }: NonNullable<Inspection["generation"]>): Keys {
  const text = (name: string): string => files.get(name)?.toString("utf8") ?? "";
  const path = (name: string): string => join(folder, name);
  const roleFiles = (role: Role): RoleFiles => ({
    keyStore: path(keyStoreFile(role)),
    trustStore: path(FILE.trustStore),
    certificate: path(certificateFile(role)),
    privateKey: path(privateKeyFile(role)),
    caCertificate: path(FILE.authorityCertificate),
    caBundle: path(FILE.authorityBundle),
  });
  return {
    folder,
    generation: manifest.generation,
    createdAt: manifest.created,
    validity: manifest.validity,
    certificates: describeCertificates(files),
    storePassword: text(FILE.storePassword),
    sparkSecret: text(FILE.sparkSecret),
    enclaveSigner: measureSigner(text(FILE.enclaveKey)),
    keyring: parseKeyring(text(FILE.keyring)),
    files: {
      server: roleFiles("server"),
      driver: roleFiles("driver"),
      executor: roleFiles("executor"),
      storePassword: path(FILE.storePassword),
      sparkSecret: path(FILE.sparkSecret),
      keyring: path(FILE.keyring),
      enclaveKey: path(FILE.enclaveKey),
    },
  };
}

/** MRSIGNER: SHA-256 of the signing key's modulus, least significant byte first (Intel SDM volume 3D, SIGSTRUCT). */
function measureSigner(enclaveKey: string): string {
  const { n = "" } = createPrivateKey(enclaveKey).export({ format: "jwk" });
  return createHash("sha256").update(Buffer.from(n, "base64url").reverse()).digest("hex");
}
