// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import type { OlderCipher } from "@bulwark/contracts/older-ciphers";
import type { OlderSecrets } from "../older-blob.ts";

export const OLDER_SECRETS: OlderSecrets = { secret: "analytics-zoo é", salt: "intel-analytics" };
/** What stands for a model: every byte there is. */
export const OLDER_MODEL = Buffer.from([...Array(256).keys(), 0x08, 0x07, 0xff]);

type Options = { isPython?: boolean; fill?: (count: number) => Buffer };

/** As BigDL's rule says, and as its tools wrote: IV, ciphertext, and with GCM a tag. */
export function encryptAsOlder(
  cipher: OlderCipher,
  plain: Buffer,
  { isPython = false, fill = randomBytes }: Options = {},
): Buffer {
  const bits = Number(cipher.slice(4, 7));
  const key = pbkdf2Sync(OLDER_SECRETS.secret, OLDER_SECRETS.salt, 65_536, bits / 8, "sha256");
  if (cipher.endsWith("gcm")) {
    const iv = fill(12);
    const made = createCipheriv(cipher as "aes-256-gcm", key, iv);
    return Buffer.concat([iv, made.update(plain), made.final(), made.getAuthTag()]);
  }
  const iv = fill(16);
  // The Python tool hands the key's bits to its padder as the size of a block.
  const block = isPython ? bits / 8 : 16;
  const padding = block - (plain.length % block);
  const made = createCipheriv(cipher, key, iv).setAutoPadding(false);
  return Buffer.concat([iv, made.update(plain), made.update(Buffer.alloc(padding, padding)), made.final()]);
}

/** Every form in which BigDL wrote the model. */
export function writeOlderModels(cipher: OlderCipher, options: Options = {}): Buffer[] {
  // Scala reads and writes text alone: a model's bytes as characters of ISO-8859-1, the whole in base64.
  const text = Buffer.from(OLDER_MODEL.toString("latin1"), "utf8");
  const written = encryptAsOlder(cipher, text, options).toString("base64");
  const bytes = encryptAsOlder(cipher, OLDER_MODEL, options);
  return [bytes, Buffer.from(written), Buffer.from(`${written}\n`), Buffer.from(bytes.toString("base64"))];
}
