// SPDX-License-Identifier: Apache-2.0

/** Who holds a certificate: services that people connect to, and the two kinds of Spark process. */
export const ROLES = ["server", "driver", "executor"] as const;
export type Role = (typeof ROLES)[number];

/** Names inside the keys folder. `current` is a symbolic link to one generation. */
export const CURRENT = "current";
export const GENERATIONS = "generations";
/** Prefix of everything that is not yet, or no longer, part of the keys. */
export const TEMPORARY = ".tmp-";
export const LOCK = "lock-";

/** Names inside a generation. */
export const FILE = {
  authorityCertificate: "ca.crt",
  authorityKey: "ca.key",
  authorityBundle: "ca-bundle.crt",
  trustStore: "truststore.p12",
  storePassword: "store-password",
  sparkSecret: "spark-secret",
  enclaveKey: "enclave-key.pem",
  keyring: "keyring.json",
  manifest: "manifest.json",
} as const;

export const certificateFile = (role: Role): string => `${role}.crt`;
export const privateKeyFile = (role: Role): string => `${role}.key`;
export const keyStoreFile = (role: Role): string => `${role}.p12`;

/** Folder name of a generation: sorts as its number does. */
export const generationName = (generation: number): string => String(generation).padStart(6, "0");

/** Number of a generation folder, or undefined for any other name. */
export function toGeneration(name: string): number | undefined {
  return /^\d{6,}$/.test(name) ? Number(name) : undefined;
}
