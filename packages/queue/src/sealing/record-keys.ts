// SPDX-License-Identifier: Apache-2.0
import { createSecretKey, type KeyObject } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";

/** A master key that seals records: 32 bytes for AES-256. A KeyObject, since a cipher takes 20 times as long to start on bytes. */
export type RecordKey = { id: string; version: number; key: KeyObject };

/** The master keys at hand: new records are sealed under `current`, older ones opened with what `find` knows. */
export type RecordKeys = {
  current: RecordKey;
  find(id: string, version: number): RecordKey | undefined;
};

/**
 * Every version of one master key, as a keyring holds them (base64), for sealing and opening records.
 *
 * @throws BulwarkError KEY_MISSING when the current version is not among them
 */
export function toRecordKeys({
  id,
  current,
  versions,
}: {
  id: string;
  current: number;
  versions: readonly { version: number; key: string }[];
}): RecordKeys {
  const keys = new Map(
    versions.map(({ version, key }) => [version, { id, version, key: createSecretKey(Buffer.from(key, "base64")) }]),
  );
  const newest = keys.get(current);
  if (newest === undefined) {
    throw new BulwarkError("KEY_MISSING", `The keyring has no version ${current} of "${id}".`, "bulwark keys check");
  }
  return { current: newest, find: (wanted, version) => (wanted === id ? keys.get(version) : undefined) };
}
