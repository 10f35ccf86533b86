// SPDX-License-Identifier: Apache-2.0
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** Tells one master key from another of the same name and version, and nothing of either (docs/adr/0030). */
export type KeyFingerprint = { id: string; version: number; check: string };

const PURPOSE = "bulwark record key fingerprint 1";
const KEY_BYTES = 32;
const CHECK_BYTES = 16;

/** One for each version of a master key, as a keyring holds them (base64). */
export function fingerprintKeys({
  id,
  versions,
}: {
  id: string;
  versions: readonly { version: number; key: string }[];
}): KeyFingerprint[] {
  return versions.map(({ version, key }) => {
    const derived = hkdfSync("sha256", Buffer.from(key, "base64"), "", PURPOSE, KEY_BYTES);
    const digest = createHmac("sha256", Buffer.from(derived)).update(`${id}\0${version}`).digest();
    return { id, version, check: digest.toString("base64url", 0, CHECK_BYTES) };
  });
}

/** Those of somebody else's keys that have the name and version of one of ours, and are another. */
export function findKeyMismatches(
  ours: readonly KeyFingerprint[],
  theirs: readonly KeyFingerprint[],
): KeyFingerprint[] {
  return theirs.filter(({ id, version, check }) =>
    ours.some((own) => own.id === id && own.version === version && !isSame(own.check, check)),
  );
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
