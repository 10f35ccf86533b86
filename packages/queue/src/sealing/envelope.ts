// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomFillSync } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { RecordKeys } from "./record-keys.ts";

/**
 * What seals one record and its result, byte by byte (numbers are big-endian):
 *
 *     4  "BWR1"
 *     1  length of the master key's id, then the id
 *     4  version of the master key
 *    12  nonce of the wrapped key   \
 *    32  data key, wrapped           >  AES-256-GCM under the master key
 *    16  tag of the wrapped key     /
 *    12  nonce of the content       \
 *     n  content                     >  AES-256-GCM under the data key
 *    16  tag of the content         /
 *
 * Each record has a data key of its own. Both layers are bound to stream, uri and model, the content also to being a
 * request or a result: what is moved, swapped or answered under another name does not open.
 */
export type Place = { stream: string; uri: string; model: string };

/** A data key, with its wrapped form as it stands in front of everything sealed under it. */
export type DataKey = { key: KeyObject; head: Buffer };

/** What a sealed text is for. */
export type Direction = "request" | "result" | "order";

const MAGIC = Buffer.from("BWR1");
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const KEY_PURPOSE = "key";

/** Source of random bytes: fills what it is given. */
export type FillRandom = (bytes: Buffer) => Buffer;

const POOL_BYTES = 16_384;

/** Node's own generator, asked for many bytes at once: one call of the system for a hundred records. */
export function createRandom(): FillRandom {
  let pool = Buffer.alloc(0);
  return (bytes) => {
    if (pool.length < bytes.length) pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(POOL_BYTES, bytes.length)));
    pool.copy(bytes);
    // Used once: what was given out does not stay.
    pool.fill(0, 0, bytes.length);
    pool = pool.subarray(bytes.length);
    return bytes;
  };
}

/** Makes the data key of a record and wraps it under the current master key. */
export function makeDataKey({ current }: RecordKeys, place: Place, fill: FillRandom): DataKey {
  const key = fill(Buffer.allocUnsafe(KEY_BYTES));
  const id = Buffer.from(current.id);
  const front = Buffer.allocUnsafe(MAGIC.length + 1 + id.length + 4);
  MAGIC.copy(front);
  front.writeUInt8(id.length, MAGIC.length);
  id.copy(front, MAGIC.length + 1);
  front.writeUInt32BE(current.version, MAGIC.length + 1 + id.length);
  const wrapped = encrypt(current.key, key, toAad(KEY_PURPOSE, place), fill);
  return { key: createSecretKey(key), head: Buffer.concat([front, ...wrapped]) };
}

/** Seals a request or a result under the record's data key. */
export function seal(
  { key, head }: DataKey,
  content: Uint8Array,
  context: [Direction, Place],
  fill: FillRandom,
): Buffer {
  return Buffer.concat([head, ...encrypt(key, content, toAad(...context), fill)]);
}

/** Whether bytes begin as a sealed text does. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length > MAGIC.length && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/**
 * Unwraps the data key that stands in front of a sealed text.
 *
 * @throws BulwarkError RECORD_MALFORMED, RECORD_KEY_UNKNOWN, RECORD_TAMPERED
 */
export function readDataKey(keys: RecordKeys, sealed: Buffer, place: Place): DataKey {
  const length = headLength(sealed);
  const id = sealed.toString("utf8", MAGIC.length + 1, length - WRAPPED_BYTES - 4);
  const version = sealed.readUInt32BE(length - WRAPPED_BYTES - 4);
  const master = keys.find(id, version);
  if (master === undefined) {
    throw new BulwarkError(
      "RECORD_KEY_UNKNOWN",
      `The record is sealed under version ${version} of the master key "${id.slice(0, 64)}", which is not at hand.`,
      "give the engine the keyring that the gateway uses: bulwark keys show",
    );
  }
  const head = sealed.subarray(0, length);
  const key = decrypt(master.key, head.subarray(length - WRAPPED_BYTES), toAad(KEY_PURPOSE, place));
  return { key: createSecretKey(key), head };
}

/**
 * Opens a sealed text with the data key of its record; its head must be the very one of that key.
 *
 * @throws BulwarkError RECORD_MALFORMED, RECORD_TAMPERED
 */
export function unseal({ key, head }: DataKey, sealed: Buffer, context: [Direction, Place]): Buffer {
  if (headLength(sealed) !== head.length || !head.equals(sealed.subarray(0, head.length))) throw tampered();
  return decrypt(key, sealed.subarray(head.length), toAad(...context));
}

function headLength(sealed: Buffer): number {
  const length = MAGIC.length + 1 + (sealed[MAGIC.length] ?? 0) + 4 + WRAPPED_BYTES;
  if (isSealed(sealed) && sealed.length >= length + NONCE_BYTES + TAG_BYTES) return length;
  throw new BulwarkError("RECORD_MALFORMED", "This is no sealed record.", "look who else writes to the stream");
}

/** Nonce, ciphertext, tag. */
function encrypt(key: KeyObject, content: Uint8Array, aad: Buffer, fill: FillRandom): Buffer[] {
  const nonce = fill(Buffer.allocUnsafe(NONCE_BYTES));
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(aad);
  const body = cipher.update(content);
  cipher.final();
  return [nonce, body, cipher.getAuthTag()];
}

function decrypt(key: KeyObject, bytes: Buffer, aad: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(aad).setAuthTag(bytes.subarray(-TAG_BYTES));
  const content = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw tampered();
  }
  return content;
}

/** Each part with its length in front, so that no two places have the same bytes. */
function toAad(purpose: string, { stream, uri, model }: Place): Buffer {
  const parts = [purpose, stream, uri, model];
  const aad = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + Buffer.byteLength(part), 0));
  let at = 0;
  for (const part of parts) {
    const length = aad.write(part, at + 4);
    aad.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return aad;
}

const tampered = (): BulwarkError =>
  new BulwarkError(
    "RECORD_TAMPERED",
    "A sealed record does not open: it was changed, or belongs to another record.",
    "look who else may write to Redis; the record is not computed",
  );
