// SPDX-License-Identifier: Apache-2.0
import { Malformed } from "../malformed.ts";

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/y;
/** What stands between blocks: white space, and the zero bytes that quotes end their chain with. */
const GAP = /[\s\0]*/y;
const MOST_BLOCKS = 8;

/**
 * Reads PEM blocks (RFC 7468, strict): nothing but white space between them, one label throughout.
 *
 * @throws Malformed
 */
export function parsePem(text: string, label: string): Buffer[] {
  const blocks: Buffer[] = [];
  let at = skip(text, 0);
  while (at < text.length) {
    BLOCK.lastIndex = at;
    const match = BLOCK.exec(text);
    const [whole = "", found, body = ""] = match ?? [];
    if (found !== label) throw new Malformed(`a PEM block ${label} is missing or other text stands there`);
    if (blocks.length === MOST_BLOCKS) throw new Malformed(`there are more than ${MOST_BLOCKS} PEM blocks`);
    blocks.push(parseBase64(body.replace(/\s/g, "")));
    at = skip(text, at + whole.length);
  }
  return blocks;
}

function skip(text: string, from: number): number {
  GAP.lastIndex = from;
  return from + (GAP.exec(text)?.[0].length ?? 0);
}

/**
 * Reads standard base64 in its canonical form.
 *
 * @throws Malformed
 */
export function parseBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what is no base64; what it made of the text says the same only when nothing was skipped.
  if (bytes.toString("base64") !== text) throw new Malformed("base64 is malformed");
  return bytes;
}

/**
 * Reads hex digits of either case.
 *
 * @param length in bytes; any when not given
 * @throws Malformed
 */
export function parseHex(text: string, length?: number): Buffer {
  const bytes = Buffer.from(text, "hex");
  if (bytes.length * 2 !== text.length || (length !== undefined && bytes.length !== length)) {
    throw new Malformed(length === undefined ? "hex is malformed" : `hex is not of ${length} bytes`);
  }
  return bytes;
}
