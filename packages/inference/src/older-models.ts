// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { OLDER_CIPHERS, type OlderCipher } from "@bulwark/contracts/older-ciphers";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import { deriveOlderKey, type OlderSecrets, type OpenOlderBlob, openOlderModel } from "./older-blob.ts";
import { isRecord, isText } from "./read-settings.ts";

/** The switch that lets BigDL's encrypted blobs be read. Each file holds one text, and is readable by its owner alone. */
export type OlderBlobSettings = {
  readonly cipher: OlderCipher;
  readonly secretFile?: string;
  readonly saltFile?: string;
};

/** Opens models that BigDL encrypted, from when it is told secret and salt. It holds the derived key alone. */
export type OlderModels = {
  /** Throws KEY_MISSING before it was told, KEY_WRONG, DATA_TRUNCATED. */
  open(file: Buffer): Promise<Buffer>;
  tell(secrets: OlderSecrets): Promise<void>;
};

/** Reads the secrets where the settings name their files. Throws SERVING_CONFIG, KEYRING_UNSAFE. */
export async function openOlderModels({ cipher, ...files }: OlderBlobSettings): Promise<OlderModels> {
  let open: OpenOlderBlob | undefined;
  const models: OlderModels = {
    async open(file) {
      if (open !== undefined) return openOlderModel(file, open);
      const mend = "POST secret=...&salt=... to /model-secure, or set older.models.secretFile and saltFile";
      throw new BulwarkError("KEY_MISSING", "The model was encrypted by BigDL, and waits for its secrets", mend);
    },
    async tell(secrets) {
      open = await deriveOlderKey(cipher, secrets);
    },
  };
  const { secretFile, saltFile } = files;
  if (secretFile !== undefined && saltFile !== undefined)
    await models.tell(await readOlderSecrets(secretFile, saltFile));
  return models;
}

/** What opens the pictures of older clients' records. Throws SERVING_CONFIG, KEYRING_UNSAFE. */
export async function openOlderRecords(settings: OlderBlobSettings): Promise<OpenOlderBlob> {
  const { cipher, secretFile = "", saltFile = "" } = settings;
  return deriveOlderKey(cipher, await readOlderSecrets(secretFile, saltFile));
}

/** The secrets in two files. Throws SERVING_CONFIG for one that cannot be read or is empty, KEYRING_UNSAFE. */
export async function readOlderSecrets(secretFile: string, saltFile: string): Promise<OlderSecrets> {
  const [secret, salt] = await Promise.all([secretFile, saltFile].map(readSecret));
  return { secret: secret ?? "", salt: salt ?? "" };
}

async function readSecret(path: string): Promise<string> {
  const mend = "name a file with the secret alone";
  // An editor's last newline is not part of it.
  const secret = (await readSecretFile(path, mend)).replace(/\r?\n$/, "");
  if (secret !== "") return secret;
  throw new BulwarkError("SERVING_CONFIG", `${path} is empty`, mend);
}

const KEYS = ["cipher", "secretFile", "saltFile"];

/**
 * What is wrong with a switch for BigDL's blobs, one sentence each.
 *
 * @param mayWait whether the secrets may come later, so that files are not needed
 */
export function findOlderBlobFaults(place: string, given: unknown, { mayWait }: { mayWait: boolean }): string[] {
  if (given === undefined) return [];
  if (!isRecord(given)) return [`${place} is to be { cipher, secretFile, saltFile }`];
  const { cipher, secretFile, saltFile } = given;
  const files = [secretFile, saltFile].filter((file) => file !== undefined);
  return [
    ...Object.keys(given)
      .filter((key) => !KEYS.includes(key))
      .map((key) => `${place}.${key} is no setting`),
    ...(OLDER_CIPHERS.some((one) => one === cipher)
      ? []
      : [`${place}.cipher is to be one of ${OLDER_CIPHERS.join(", ")}`]),
    ...(files.every(isText) ? [] : [`${place}: secretFile and saltFile are to be paths`]),
    ...(files.length === 2 || (mayWait && files.length === 0) ? [] : [`${place} needs secretFile and saltFile`]),
  ];
}
