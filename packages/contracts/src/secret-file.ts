// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { BulwarkError } from "./errors/index.ts";

/** What of a file's status says who may read it, as `stat` gives it. */
export type FileStatus = { readonly mode: number; readonly uid: number };

const BEYOND_OWNER = 0o077;
/** The group's right to read is left out. */
const BEYOND_GROUP_READING = 0o037;

/**
 * Whether a file of secrets is open to more than whom it is for: its owner; or, where root owns it and we are not root,
 * the group through which alone we can read it, as with a mounted Secret. PostgreSQL has the same rule for its private key
 * (https://www.postgresql.org/docs/current/ssl-tcp.html).
 */
export function isOpenToOthers({ mode, uid }: FileStatus, ownUid: number | undefined): boolean {
  return (mode & (uid === 0 && ownUid !== 0 ? BEYOND_GROUP_READING : BEYOND_OWNER)) !== 0;
}

/**
 * The text of a file of secrets. Throws SERVING_CONFIG, with what to do then, when it cannot be read; KEYRING_UNSAFE when it
 * is open to more than whom it is for.
 */
export async function readSecretFile(path: string, mend = "check the path in the settings"): Promise<string> {
  const content = await Promise.all([readFile(path, "utf8"), stat(path)]).catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read`, mend, { cause });
  });
  const [text, status] = content;
  if (!isOpenToOthers(status, process.geteuid?.())) return text;
  throw new BulwarkError("KEYRING_UNSAFE", `${path} can be read by other users`, `chmod 600 ${path}`);
}
