// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";

/** Bytes or text that do not have their form. Never leaves this package: `readAs` gives it the code of the item. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** What an item is called, and the code for when it cannot be read. */
export type Readable = { code: ErrorCode; item: string; mend: string };

/**
 * Reads an item; what is malformed in it becomes one coded error.
 *
 * @throws the item's code; anything else passes unchanged
 */
export function readAs<T>({ code, item, mend }: Readable, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new BulwarkError(code, `The ${item} cannot be read: ${error.message}.`, mend, { cause: error });
  }
}

/** A view of bytes as a Buffer, without a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
