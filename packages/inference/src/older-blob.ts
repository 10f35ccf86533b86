// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from "node:buffer";
import { createDecipheriv, createSecretKey, type KeyObject, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { OlderCipher } from "@bulwark/contracts/older-ciphers";

/**
 * Reading, never writing, what BigDL encrypted (`EncryptSupportive.scala`, `encryption_utils.py`). The key is
 * PBKDF2-HMAC-SHA256 of secret and salt, 65536 iterations. GCM: 12 bytes of IV, ciphertext, 16 bytes of tag. CBC: 16 bytes
 * of IV, ciphertext with PKCS #7; nothing in it shows whether it was changed.
 */
/** The two texts that BigDL's tools ask for. */
export type OlderSecrets = { readonly secret: string; readonly salt: string };

/** Opens a blob in its form as bytes. Throws KEY_WRONG, DATA_TRUNCATED. */
export type OpenOlderBlob = (blob: Uint8Array) => Buffer;

const ITERATIONS = 65_536;
const GCM = { iv: 12, tag: 16 };
const BLOCK_BYTES = 16;

/** Whether a cipher tells a blob that was changed from one that was not. */
export const hasIntegrity = (cipher: OlderCipher): boolean => cipher.endsWith("gcm");

/** Derives the key once, which takes tens of milliseconds, for any number of blobs. */
export async function deriveOlderKey(cipher: OlderCipher, { secret, salt }: OlderSecrets): Promise<OpenOlderBlob> {
  const bytes = keyBytesOf(cipher);
  const derived = await promisify(pbkdf2)(secret, Buffer.from(salt, "utf8"), ITERATIONS, bytes, "sha256");
  const key = createSecretKey(derived);
  derived.fill(0);
  const open = hasIntegrity(cipher) ? openGcm : openCbc;
  return (blob) => open(blob, cipher, key);
}

/**
 * Opens a model file in either of its forms. As bytes it holds the model. As base64 it holds the model as text, each byte
 * a character of ISO-8859-1; what is no such text was bytes before it became base64, and is taken as it is.
 */
export function openOlderModel(file: Buffer, open: OpenOlderBlob): Buffer {
  const text = file.toString("latin1");
  if (!BASE64.test(text)) return open(file);
  const plain = open(Buffer.from(text, "base64"));
  if (!isUtf8(plain)) return plain;
  const characters = plain.toString("utf8");
  return BEYOND_LATIN1.test(characters) ? plain : Buffer.from(characters, "latin1");
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

const keyBytesOf = (cipher: OlderCipher): number => (cipher.startsWith("aes-256") ? 32 : 16);

function openGcm(blob: Uint8Array, cipher: OlderCipher, key: KeyObject): Buffer {
  if (blob.length < GCM.iv + GCM.tag) throw truncated();
  const decipher = createDecipheriv(cipher as "aes-256-gcm", key, blob.subarray(0, GCM.iv), {
    authTagLength: GCM.tag,
  });
  decipher.setAuthTag(blob.subarray(-GCM.tag));
  try {
    return Buffer.concat([decipher.update(blob.subarray(GCM.iv, -GCM.tag)), decipher.final()]);
  } catch (cause) {
    throw wrong(cipher, cause);
  }
}

function openCbc(blob: Uint8Array, cipher: OlderCipher, key: KeyObject): Buffer {
  if (blob.length < 2 * BLOCK_BYTES || blob.length % BLOCK_BYTES !== 0) throw truncated();
  const decipher = createDecipheriv(cipher, key, blob.subarray(0, BLOCK_BYTES)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(blob.subarray(BLOCK_BYTES)), decipher.final()]);
  // With keys of 256 bits BigDL's Python pads to blocks of 32 bytes, its Scala to 16.
  const padding = padded.at(-1) ?? 0;
  const isPadding = padding >= 1 && padding <= Math.min(keyBytesOf(cipher), padded.length);
  if (!isPadding || padded.subarray(-padding).some((byte) => byte !== padding)) throw wrong(cipher);
  return padded.subarray(0, -padding);
}

const truncated = (): BulwarkError =>
  new BulwarkError("DATA_TRUNCATED", "What BigDL encrypted ends too early", "copy it again, whole");

function wrong(cipher: OlderCipher, cause?: unknown): BulwarkError {
  const message = `It does not open as ${cipher} with this secret and salt, or it was changed`;
  const mend = "check both, and the length of the key: BigDL used 128 and 256 bits";
  return new BulwarkError("KEY_WRONG", message, mend, { cause });
}
