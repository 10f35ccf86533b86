// SPDX-License-Identifier: Apache-2.0
import { hkdfSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Holder } from "./certificate.ts";
import { FILE } from "./layout.ts";
import type { Keys } from "./open.ts";

/** A certificate with its key, and the authorities to trust, as PEM. It is kept nowhere here. */
export type IssuedElsewhere = { certificate: string; privateKey: string; caBundle: string };

const SECRET_BYTES = 32;

/** Issues a certificate of our authority for a process on another machine, valid as long as those made here. */
export async function issueElsewhere(keys: Keys, holder: Holder, now: Date): Promise<IssuedElsewhere> {
  const [certificate, key, caBundle] = (await Promise.all(
    [FILE.authorityCertificate, FILE.authorityKey, FILE.authorityBundle].map((name) => readAuthority(keys, name)),
  )) as [string, string, string];
  const { issueLeaf } = await import("./certificate.ts");
  const issued = await issueLeaf(holder, { certificate, key }, now, keys.validity.leafDays);
  return { certificate: issued.certificate, privateKey: issued.key, caBundle };
}

/**
 * A secret of 256 bits for a purpose, the same each time until the authority is renewed: what was handed out can be made
 * again, and need not be kept. It follows from the authority's private key, which leaves the keys folder at no time
 * (RFC 5869, HKDF with SHA-256).
 */
export async function deriveSecret(keys: Keys, purpose: string): Promise<string> {
  const key = await readAuthority(keys, FILE.authorityKey);
  return Buffer.from(hkdfSync("sha256", key, "", `bulwark ${purpose}`, SECRET_BYTES)).toString("base64url");
}

const readAuthority = (keys: Keys, name: string): Promise<string> => readFile(join(keys.folder, name), "utf8");
