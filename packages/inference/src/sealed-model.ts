// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createHash, type KeyObject } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";

/**
 * An encrypted model file: the magic, the length of the header (uint32 big endian), the header as JSON, then chunks of
 * AES-256-GCM ciphertext, each with its 16-byte tag. The nonce of a chunk is its number; the key is of this file alone.
 * Its additional data is the digest of magic and header, so that neither can be changed, and whether it is the last one,
 * so that nothing can be cut off, added or put in another order.
 */
export const MAGIC = Buffer.from("BULWARK-MODEL\0\0\x01", "latin1");

/** What stands in the open about an encrypted model. */
export type SealedHeader = {
  /** The master key that wraps the key of this file. */
  readonly keyId: string;
  readonly keyVersion: number;
  /** The key of this file, wrapped with AES-256-GCM: nonce, ciphertext, tag; base64. */
  readonly wrappedKey: string;
  readonly chunkBytes: number;
  /** Bytes of the model. */
  readonly size: number;
};

/** Gives the key of a file, from the master key that its header names: from a keyring, or released by a key broker. */
export type UnwrapModelKey = (header: SealedHeader) => Promise<Buffer>;

const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const CHUNK_BYTES = 2 ** 20;
const LONGEST_HEADER = 2 ** 16;
const CIPHER = "aes-256-gcm";

type MasterKey = { id: string; version: number; key: KeyObject };

/** Encrypts a model. `random` gives random bytes. */
export function sealModel(model: Uint8Array, master: MasterKey, random: (bytes: number) => Buffer): Buffer {
  const key = random(KEY_BYTES);
  const header: SealedHeader = {
    keyId: master.id,
    keyVersion: master.version,
    wrappedKey: wrapKey(key, master, random(NONCE_BYTES)).toString("base64"),
    chunkBytes: CHUNK_BYTES,
    size: model.length,
  };
  const head = writeHead(header);
  const digest = createHash("sha256").update(head).digest();
  const parts = [head];
  for (const { number, from, to, isLast } of listChunks(model.length, CHUNK_BYTES)) {
    const cipher = createCipheriv(CIPHER, key, toNonce(number)).setAAD(toAdditional(digest, isLast));
    parts.push(cipher.update(model.subarray(from, to)), cipher.final(), cipher.getAuthTag());
  }
  key.fill(0);
  return Buffer.concat(parts);
}

/** Whether bytes begin as an encrypted model does. */
export function isSealed(bytes: Uint8Array): boolean {
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** What stands in the open. Throws MODEL_FORMAT, DATA_TRUNCATED. */
export function readSealedHeader(sealed: Buffer): SealedHeader {
  return readHead(sealed).header;
}

/** Decrypts a model in memory. Throws MODEL_FORMAT, KEY_WRONG, DATA_TAMPERED, DATA_TRUNCATED. */
export async function openSealedModel(sealed: Buffer, unwrap: UnwrapModelKey): Promise<Buffer> {
  const { header, end } = readHead(sealed);
  const key = await unwrap(header);
  const digest = createHash("sha256").update(sealed.subarray(0, end)).digest();
  const model = Buffer.alloc(header.size);
  let at = end;
  for (const { number, from, to, isLast } of listChunks(header.size, header.chunkBytes)) {
    const tagAt = at + to - from;
    if (tagAt + TAG_BYTES > sealed.length) throw truncated();
    const decipher = createDecipheriv(CIPHER, key, toNonce(number)).setAAD(toAdditional(digest, isLast));
    decipher.setAuthTag(sealed.subarray(tagAt, tagAt + TAG_BYTES));
    try {
      model.set(decipher.update(sealed.subarray(at, tagAt)), from);
      decipher.final();
    } catch (cause) {
      model.fill(0);
      throw new BulwarkError("DATA_TAMPERED", "The encrypted model was changed", "restore it from where it was made", {
        cause,
      });
    }
    at = tagAt + TAG_BYTES;
  }
  if (at !== sealed.length) throw new BulwarkError("DATA_TAMPERED", "Something was added to the model", "restore it");
  return model;
}

/** Unwraps the key of a file with the bytes of its master key. Throws KEY_WRONG. */
export function unwrapWith(master: MasterKey, { wrappedKey }: SealedHeader): Buffer {
  const wrapped = Buffer.from(wrappedKey, "base64");
  try {
    const decipher = createDecipheriv(CIPHER, master.key, wrapped.subarray(0, NONCE_BYTES)).setAAD(nameOf(master));
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    const message = `The model was encrypted under another key than "${master.id}" version ${master.version}`;
    throw new BulwarkError("KEY_WRONG", message, "use the keyring with which it was encrypted", { cause });
  }
}

function wrapKey(key: Buffer, master: MasterKey, nonce: Buffer): Buffer {
  const cipher = createCipheriv(CIPHER, master.key, nonce).setAAD(nameOf(master));
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

const nameOf = ({ id, version }: MasterKey): Buffer => Buffer.from(`bulwark model key\0${id}\0${version}`);

function writeHead(header: SealedHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([MAGIC, length, json]);
}

function readHead(sealed: Buffer): { header: SealedHeader; end: number } {
  if (!isSealed(sealed)) throw malformed("does not begin as one");
  const start = MAGIC.length + 4;
  if (sealed.length < start) throw truncated();
  const end = start + sealed.readUInt32BE(MAGIC.length);
  if (end - start > LONGEST_HEADER) throw malformed("has a header that is too long");
  if (end > sealed.length) throw truncated();
  return { header: parseHeader(sealed.toString("utf8", start, end)), end };
}

function parseHeader(text: string): SealedHeader {
  let header: Partial<SealedHeader>;
  try {
    header = JSON.parse(text);
  } catch {
    throw malformed("has a header that is no JSON");
  }
  const { keyId, keyVersion, wrappedKey, chunkBytes = 0, size = -1 } = header ?? {};
  if (typeof keyId !== "string" || typeof wrappedKey !== "string" || !Number.isSafeInteger(keyVersion)) {
    throw malformed("names no key");
  }
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || !Number.isSafeInteger(size) || size < 0) {
    throw malformed("has sizes that cannot be");
  }
  return { keyId, keyVersion: keyVersion as number, wrappedKey, chunkBytes, size };
}

/** At least one chunk, so that an empty model is authenticated, too. */
function* listChunks(
  size: number,
  bytes: number,
): Generator<{ number: number; from: number; to: number; isLast: boolean }> {
  const count = Math.max(1, Math.ceil(size / bytes));
  for (let number = 0; number < count; number++) {
    yield { number, from: number * bytes, to: Math.min(size, (number + 1) * bytes), isLast: number === count - 1 };
  }
}

function toNonce(number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(number, NONCE_BYTES - 4);
  return nonce;
}

const toAdditional = (digest: Buffer, isLast: boolean): Buffer =>
  Buffer.concat([digest, Buffer.from([isLast ? 1 : 0])]);

const malformed = (what: string): BulwarkError =>
  new BulwarkError("MODEL_FORMAT", `The encrypted model ${what}`, "encrypt it again: bulwark model encrypt");

const truncated = (): BulwarkError =>
  new BulwarkError("DATA_TRUNCATED", "The encrypted model ends too early", "copy it again, whole");
