// SPDX-License-Identifier: Apache-2.0

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
