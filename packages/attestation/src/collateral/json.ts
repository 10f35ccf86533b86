// SPDX-License-Identifier: Apache-2.0
import { Malformed } from "../malformed.ts";

export type JsonObject = { readonly [key: string]: unknown };

const DEEPEST = 32;
const LARGEST_CHARACTERS = 1_048_576;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/**
 * Parses JSON (RFC 8259) whose objects have no key twice, so that two readers cannot read two documents out of one
 * signed text.
 *
 * @throws Malformed
 */
export function parseJsonObject(text: string): JsonObject {
  if (text.length > LARGEST_CHARACTERS) throw new Malformed("the JSON text is too large");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Malformed("the text is not JSON", { cause: error });
  }
  checkKeys(text);
  return toObject(value, "the document");
}

/** Walks the tokens of a text that is JSON, and looks at each object's keys. */
function checkKeys(text: string): void {
  const open: (Set<string> | null)[] = [];
  let before = "";
  for (const [token] of text.matchAll(TOKEN)) {
    const keys = open.at(-1);
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : null);
    else if (token === "}" || token === "]") open.pop();
    // After a key stands its value; after anything else in an object, a key.
    else if (keys && token !== "," && !before.startsWith('"')) addKey(keys, token);
    if (open.length > DEEPEST) throw new Malformed("the JSON text is nested too deeply");
    before = token;
  }
}

function addKey(keys: Set<string>, string: string): void {
  // An escape could spell the same key in two ways; no key of these documents needs one.
  if (string.includes("\\")) throw new Malformed("a JSON key has an escape");
  if (keys.has(string)) throw new Malformed("a JSON key stands there twice");
  keys.add(string);
}

export function toObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed(`${what} is not an object`);
  return value as JsonObject;
}

export function toArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${what} is not a list`);
  return value;
}

export function toText(value: unknown, what: string): string {
  if (typeof value !== "string") throw new Malformed(`${what} is not a text`);
  return value;
}

/** A whole number from 0 to `most`. */
export function toCount(value: unknown, what: string, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most) {
    throw new Malformed(`${what} is not a number from 0 to ${most}`);
  }
  return value;
}
