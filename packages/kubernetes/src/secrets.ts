// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, createPrivateKey, privateDecrypt, timingSafeEqual } from "node:crypto";
import type { Finding } from "@bulwark/contracts/errors";
import type { KubeObject, Secret } from "./api/objects.ts";
import { labelsOf, namesOf } from "./names.ts";

/** Secret bytes by entry. */
export type Entries = Readonly<Record<string, Uint8Array | string>>;

/** Makes the Secret of a release. It cannot be changed in place, only replaced. */
export function makeSecret(release: string, namespace: string, name: string, entries: Entries): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: labelsOf(release) },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(entries).map(([entry, value]) => [entry, Buffer.from(value).toString("base64")]),
    ),
  };
}

/** The reference by which an object goes with a release: its owner is the release's ConfigMap. */
export function toOwner({ metadata: { name, uid = "" } }: KubeObject) {
  return { apiVersion: "v1", kind: "ConfigMap", name, uid };
}

/** The patch that lets a Secret go with the release. */
export function ownerPatch(owner: KubeObject): unknown {
  return { metadata: { ownerReferences: [toOwner(owner)] } };
}

/** A copy that may be shown: names of entries and their sizes, never values. */
export function maskSecret(secret: Secret): KubeObject & { data: Record<string, string> } {
  const { data = {}, ...rest } = secret;
  const masked = Object.entries(data).map(([entry, value]) => [
    entry,
    `(${Buffer.from(value, "base64").length} bytes, not shown)`,
  ]);
  return { ...rest, data: Object.fromEntries(masked) };
}

/** The Secrets that a job names, as they are in the cluster. */
export type NamedSecrets = {
  application?: { name: string; entry: string; secret: Secret | undefined };
  /** With the roles that open a key store of it. */
  keys?: { name: string; secret: Secret | undefined; roles: readonly ("driver" | "executor")[] };
  password?: { name: string; secret: Secret | undefined };
  keyring?: { name: string; secret: Secret | undefined };
};

/** Shortest application secret in bytes: what is guessed is no secret. */
const SHORTEST = 16;

const absent = (path: string, name: string): Finding => ({
  code: "OBJECT_MISSING",
  path: `security.secrets.${path}`,
  message: `there is no Secret ${name}`,
  mend: `make it: bulwark keys export --kubernetes | kubectl apply -f -; or leave security.secrets.${path} out, and submit makes one`,
});

const lacks = (path: string, name: string, entries: string): Finding => ({
  code: "SECRET_MISMATCH",
  path: `security.secrets.${path}`,
  message: `Secret ${name} has no entry ${entries}`,
  mend: "make it anew: bulwark keys export --kubernetes | kubectl apply -f -",
});

/** All that is wrong with Secrets that the user brings. Values are compared, and never told. */
export function checkNamedSecrets({ application, keys, password, keyring }: NamedSecrets): Finding[] {
  return [
    ...(application === undefined ? [] : checkApplication(application)),
    ...(keys === undefined ? [] : checkKeys(keys)),
    ...(password === undefined ? [] : checkPassword(password)),
    ...(keyring === undefined ? [] : checkKeyring(keyring)),
    ...checkSamePassword(application, password),
  ];
}

function checkApplication({ name, entry, secret }: NonNullable<NamedSecrets["application"]>): Finding[] {
  if (secret === undefined) return [absent("application", name)];
  const value = read(secret, entry);
  if (value === undefined) return [lacks("application", name, entry)];
  if (value.length >= SHORTEST) return [];
  const message = `Secret ${name} holds an application secret of ${value.length} bytes; less than ${SHORTEST} can be guessed`;
  return [
    {
      code: "SECRET_MISMATCH",
      path: "security.secrets.application",
      message,
      mend: "use a longer one, or leave it out, and submit makes one",
    },
  ];
}

/** Entries in which a role looks for its key store: its own, then one for all roles. */
const storesOf = (role: string): string[] => [`${role}.p12`, "keystore.p12", "keystore.pkcs12"];

function checkKeys({ name, secret, roles }: NonNullable<NamedSecrets["keys"]>): Finding[] {
  if (secret === undefined) return [absent("keys", name)];
  return roles
    .map(storesOf)
    .filter((stores) => !stores.some((entry) => secret.data?.[entry] !== undefined))
    .map((stores) => lacks("keys", name, stores.join(" or ")));
}

function checkPassword({ name, secret }: NonNullable<NamedSecrets["password"]>): Finding[] {
  if (secret === undefined) return [absent("password", name)];
  if (secret.data?.password === undefined && secret.data?.["output.bin"] === undefined) {
    return [lacks("password", name, "password, or key.txt and output.bin")];
  }
  return readPassword(secret) === undefined
    ? [{ ...lacks("password", name, ""), message: `Secret ${name}: output.bin cannot be opened with its key.txt` }]
    : [];
}

function checkKeyring({ name, secret }: NonNullable<NamedSecrets["keyring"]>): Finding[] {
  if (secret === undefined) return [absent("keyring", name)];
  return secret.data?.["keyring.json"] === undefined ? [lacks("keyring", name, "keyring.json")] : [];
}

/**
 * The older deployments demand that the password of the key stores and the application secret are one (S20 of their
 * documents). Only where both come in the older form is that meant; ours are two, on purpose.
 */
function checkSamePassword(application: NamedSecrets["application"], password: NamedSecrets["password"]): Finding[] {
  if (application?.secret === undefined || password?.secret?.data?.["output.bin"] === undefined) return [];
  const one = read(application.secret, application.entry);
  const two = readPassword(password.secret);
  if (one === undefined || two === undefined || isSame(one, two)) return [];
  return [
    {
      code: "SECRET_MISMATCH",
      path: "security.secrets",
      message: `the secret in ${application.name} and the password in ${password.name} differ; deployments of this form need one for both`,
      mend: "make both anew from one source: bulwark keys export --kubernetes | kubectl apply -f -",
    },
  ];
}

function read(secret: Secret, entry: string): Buffer | undefined {
  const value = secret.data?.[entry];
  return value === undefined ? undefined : Buffer.from(value, "base64");
}

/** The password as it is, or decrypted as older deployments do it (PKCS#1 v1.5, the key beside the ciphertext). */
function readPassword(secret: Secret): Buffer | undefined {
  const plain = read(secret, "password");
  if (plain !== undefined) return plain;
  const [key, ciphertext] = [read(secret, "key.txt"), read(secret, "output.bin")];
  if (key === undefined || ciphertext === undefined) return undefined;
  try {
    return privateDecrypt({ key: createPrivateKey(key), padding: constants.RSA_PKCS1_PADDING }, ciphertext);
  } catch {
    return undefined;
  }
}

/** Digests have one length, so nothing is told by the time it takes. */
function isSame(one: Buffer, two: Buffer): boolean {
  const digest = (value: Buffer): Buffer => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(one), digest(two));
}

/** Names of the Secrets that `submit` makes for a release. */
export const secretNames = (release: string): string[] => {
  const { applicationSecret, keyring, tls } = namesOf(release);
  return [applicationSecret, keyring, tls];
};
