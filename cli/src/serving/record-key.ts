// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import { parseKeyring, selectKeys } from "@bulwark/pki";
import type { Stack } from "./stack.ts";

/** Master key that seals records, as `bulwark serve` and the chart call it. */
export const RECORD_KEY = "serving-records";

/** The master key that seals the records of a queue. Throws SERVING_CONFIG, KEYRING_UNSAFE, KEYRING_INVALID, KEY_MISSING. */
export async function readRecordKey({
  keyringFile,
  recordKey,
}: Pick<NonNullable<Stack["queue"]>, "keyringFile" | "recordKey">) {
  const [key] = selectKeys(parseKeyring(await readSecretFile(keyringFile)), [recordKey]).keys;
  if (key === undefined) throw new BulwarkError("BUG", "A selected key is absent.", "report it");
  return key;
}
