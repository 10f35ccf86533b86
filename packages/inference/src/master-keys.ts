// SPDX-License-Identifier: Apache-2.0
import { createSecretKey } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type UnwrapModelKey, unwrapWith } from "./sealed-model.ts";

/** Master keys as a keyring holds them; each version's bytes in base64. */
type MasterKeys = readonly {
  readonly id: string;
  readonly versions: readonly { readonly version: number; readonly key: string }[];
}[];

/** Opens the keys of encrypted models with the master keys of a keyring. It throws KEY_MISSING and KEY_WRONG. */
export function unwrapFrom(keys: MasterKeys): UnwrapModelKey {
  return async (header) => {
    const versions = keys.find(({ id }) => id === header.keyId)?.versions ?? [];
    const found = versions.find(({ version }) => version === header.keyVersion);
    if (found === undefined) {
      const message = `The keyring has no version ${header.keyVersion} of "${header.keyId}".`;
      throw new BulwarkError("KEY_MISSING", message, "use the keyring with which the model was encrypted");
    }
    const key = createSecretKey(Buffer.from(found.key, "base64"));
    return unwrapWith({ id: header.keyId, version: found.version, key }, header);
  };
}
