// SPDX-License-Identifier: Apache-2.0
import { generateKeyPair, randomBytes, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { type Issued, issueAuthority, issueLeaf } from "./certificate.ts";
import { addKey, EMPTY_KEYRING, type Keyring, parseKeyring, rotateKey, serializeKeyring } from "./keyring.ts";
import { certificateFile, FILE, keyStoreFile, privateKeyFile, ROLES, type Role } from "./layout.ts";
import { splitBundle } from "./pem.ts";
import { encodeStore } from "./pkcs12.ts";
import type { Validity } from "./validity.ts";

/** All secrets of one generation, before they become files. */
export type Material = {
  authority: Issued;
  /** Earlier authorities (PEM) whose certificates running jobs still hold. */
  previousAuthorities: readonly string[];
  leaves: Readonly<Record<Role, Issued>>;
  storePassword: string;
  sparkSecret: string;
  enclaveKey: string;
  keyring: Keyring;
};

/** What a rotation needs to know besides the material it starts from. */
export type RotationContext = {
  now: Date;
  validity: Validity;
  /** Data keys to rotate; every one when absent. */
  dataKeys?: readonly string[];
  /** Trust no earlier authority any more: for an authority key that may have leaked. */
  distrustPrevious?: boolean;
};

/** What can be renewed by itself. */
export const ROTATIONS = {
  certificates: async (material, { now, validity, distrustPrevious }) => ({
    ...material,
    ...(await makeCertificates(now, validity)),
    previousAuthorities: distrustPrevious
      ? []
      : [material.authority.certificate, ...material.previousAuthorities].filter(
          (pem) => new X509Certificate(pem).validToDate > now,
        ),
  }),
  password: async (material) => ({ ...material, storePassword: makeSecret() }),
  secret: async (material) => ({ ...material, sparkSecret: makeSecret() }),
  enclave: async (material) => ({ ...material, enclaveKey: await makeEnclaveKey() }),
  data: async (material, { now, dataKeys }) => {
    const ids = dataKeys ?? material.keyring.keys.map((key) => key.id);
    return { ...material, keyring: ids.reduce((keyring, id) => rotateKey(keyring, id, now), material.keyring) };
  },
} as const satisfies Record<string, (material: Material, context: RotationContext) => Promise<Material>>;

/** Makes everything anew, with data keys of the given names. */
export async function makeMaterial(now: Date, validity: Validity, keyNames: readonly string[]): Promise<Material> {
  return {
    ...(await makeCertificates(now, validity)),
    previousAuthorities: [],
    storePassword: makeSecret(),
    sparkSecret: makeSecret(),
    enclaveKey: await makeEnclaveKey(),
    keyring: [...new Set(keyNames)].reduce((keyring, id) => addKey(keyring, id, now), EMPTY_KEYRING),
  };
}

/** The files of a generation by name, all but the manifest. */
export async function toFiles(material: Material): Promise<Map<string, Buffer>> {
  const { authority, previousAuthorities, leaves, storePassword } = material;
  const bundle = [authority.certificate, ...previousAuthorities];
  const files = new Map<string, string | Buffer>([
    [FILE.authorityCertificate, authority.certificate],
    [FILE.authorityKey, authority.key],
    [FILE.authorityBundle, bundle.join("")],
    [FILE.trustStore, await encodeStore({ trusted: toTrusted(bundle) }, storePassword)],
    [FILE.storePassword, storePassword],
    [FILE.sparkSecret, material.sparkSecret],
    [FILE.enclaveKey, material.enclaveKey],
    [FILE.keyring, serializeKeyring(material.keyring)],
  ]);
  for (const role of ROLES) {
    const { certificate, key } = leaves[role];
    const chain = [certificate, authority.certificate];
    files.set(certificateFile(role), certificate);
    files.set(privateKeyFile(role), key);
    files.set(
      keyStoreFile(role),
      await encodeStore({ key: { alias: role, privateKey: key, chain }, trusted: [] }, storePassword),
    );
  }
  return new Map([...files].map(([name, content]) => [name, Buffer.from(content)]));
}

/** The reverse of `toFiles`. */
export function fromFiles(files: ReadonlyMap<string, Buffer>): Material {
  const text = (name: string): string => files.get(name)?.toString("utf8") ?? "";
  const leaf = (role: Role): Issued => ({ certificate: text(certificateFile(role)), key: text(privateKeyFile(role)) });
  return {
    authority: { certificate: text(FILE.authorityCertificate), key: text(FILE.authorityKey) },
    previousAuthorities: splitBundle(text(FILE.authorityBundle)).slice(1),
    leaves: { server: leaf("server"), driver: leaf("driver"), executor: leaf("executor") },
    storePassword: text(FILE.storePassword),
    sparkSecret: text(FILE.sparkSecret),
    enclaveKey: text(FILE.enclaveKey),
    keyring: parseKeyring(text(FILE.keyring)),
  };
}

/** The aliases under which a trust store lists authorities, the current one first. */
export function toTrusted(bundle: readonly string[]): { alias: string; certificate: string }[] {
  return bundle.map((certificate, age) => ({ alias: age === 0 ? "ca" : `ca-previous-${age}`, certificate }));
}

async function makeCertificates(now: Date, validity: Validity): Promise<Pick<Material, "authority" | "leaves">> {
  const authority = await issueAuthority(now, validity.authorityDays);
  const [server, driver, executor] = await Promise.all([
    issueLeaf("server", authority, now, validity.leafDays),
    issueLeaf("driver", authority, now, validity.leafDays),
    issueLeaf("executor", authority, now, validity.leafDays),
  ]);
  return { authority, leaves: { server, driver, executor } };
}

/** 256 random bits as text that no shell, property file or YAML reader touches. */
const makeSecret = (): string => randomBytes(32).toString("base64url");

/** The key that SGX demands for signing enclaves: RSA-3072 with public exponent 3, as PKCS#1. */
async function makeEnclaveKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 3072, publicExponent: 3 });
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}
