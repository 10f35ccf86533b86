// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";

/** One version of a master key: 32 bytes for AES-256, as base64. */
export type KeyVersion = { version: number; created: string; key: string };
/** A master key by id. New data is written with `current`; older versions still open older data. */
export type DataKey = { id: string; current: number; versions: readonly KeyVersion[] };
/** All master keys. This is the shape of `keyring.json`, which the JVM reads as well. */
export type Keyring = { version: 1; keys: readonly DataKey[] };
/** What may be shown of a master key. */
export type DataKeySummary = { id: string; current: number; versions: { version: number; created: string }[] };

const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const EMPTY_KEYRING: Keyring = { version: 1, keys: [] };

/** Adds a master key of one version. Throws KEY_NAME_INVALID, KEY_EXISTS. */
export function addKey(keyring: Keyring, id: string, now: Date): Keyring {
  if (!KEY_ID.test(id)) {
    throw new BulwarkError(
      "KEY_NAME_INVALID",
      `"${id.slice(0, 80)}" cannot be the name of a data key`,
      "use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or a digit",
    );
  }
  if (keyring.keys.some((key) => key.id === id)) {
    throw new BulwarkError(
      "KEY_EXISTS",
      `The data key "${id}" is already there`,
      `use it as it is, or make a new version: bulwark keys rotate --data ${id}`,
    );
  }
  return { version: 1, keys: [...keyring.keys, { id, current: 1, versions: [makeVersion(1, now)] }] };
}

/** Makes a new version of a master key and makes it current; the older ones stay. Throws KEY_MISSING. */
export function rotateKey(keyring: Keyring, id: string, now: Date): Keyring {
  const [key] = selectKeys(keyring, [id]).keys;
  const next = Math.max(...(key?.versions ?? []).map((entry) => entry.version)) + 1;
  return {
    version: 1,
    keys: keyring.keys.map((entry) =>
      entry.id === id ? { id, current: next, versions: [...entry.versions, makeVersion(next, now)] } : entry,
    ),
  };
}

/** The part of a keyring that a job needs and no more. Throws KEY_MISSING, with a finding per absent id. */
export function selectKeys(keyring: Keyring, ids: readonly string[]): Keyring {
  const wanted = new Set(ids);
  const absent = [...wanted].filter((id) => !keyring.keys.some((key) => key.id === id));
  if (absent.length > 0) {
    const mend = `bulwark keys init --data ${absent.join(" ")}`;
    throw new BulwarkError("KEY_MISSING", `No data key is called ${absent.map((id) => `"${id}"`).join(", ")}`, mend, {
      findings: absent.map((id) => ({
        code: "KEY_MISSING",
        message: `No data key is called "${id}"`,
        mend: `bulwark keys init --data ${id}`,
      })),
    });
  }
  return { version: 1, keys: keyring.keys.filter((key) => wanted.has(key.id)) };
}

/** What may be shown of a keyring: ids, versions, dates; no key bytes. */
export function describeKeyring(keyring: Keyring): DataKeySummary[] {
  return keyring.keys.map(({ id, current, versions }) => ({
    id,
    current,
    versions: versions.map(({ version, created }) => ({ version, created })),
  }));
}

/** The text of `keyring.json`. */
export function serializeKeyring(keyring: Keyring): string {
  return `${JSON.stringify(keyring, undefined, 2)}\n`;
}

/** Reads the text of `keyring.json`. Throws KEYRING_INVALID for anything that is not exactly of its shape. */
export function parseKeyring(text: string): Keyring {
  const keyring = readJson(text);
  demand(isRecord(keyring) && hasOnly(keyring, ["version", "keys"]), "not an object with version and keys");
  demand(keyring.version === 1, "an unknown version");
  demand(Array.isArray(keyring.keys), "keys is not a list");
  const keys = keyring.keys.map(parseKey);
  demand(new Set(keys.map((key) => key.id)).size === keys.length, "two keys of one name");
  return { version: 1, keys };
}

function parseKey(value: unknown): DataKey {
  demand(isRecord(value) && hasOnly(value, ["id", "current", "versions"]), "a key that is not an object");
  const { id, current, versions } = value;
  demand(typeof id === "string" && KEY_ID.test(id), "a key without a valid id");
  demand(Array.isArray(versions), `key "${id}" has no versions`);
  const parsed = versions.map((entry) => parseVersion(entry, id));
  const numbers = new Set(parsed.map((entry) => entry.version));
  demand(numbers.size === parsed.length, `key "${id}" has a version twice`);
  demand(typeof current === "number" && numbers.has(current), `the current version of key "${id}" is not there`);
  return { id, current, versions: parsed };
}

function parseVersion(value: unknown, id: string): KeyVersion {
  demand(isRecord(value) && hasOnly(value, ["version", "created", "key"]), `key "${id}" has a malformed version`);
  const { version, created, key } = value;
  demand(typeof version === "number" && Number.isSafeInteger(version) && version > 0, `key "${id}": version number`);
  demand(typeof created === "string" && !Number.isNaN(Date.parse(created)), `key "${id}": date of version ${version}`);
  demand(typeof key === "string" && isKeyText(key), `key "${id}": version ${version} is not ${KEY_BYTES} bytes`);
  return { version, created, key };
}

function makeVersion(version: number, now: Date): KeyVersion {
  return { version, created: now.toISOString(), key: randomBytes(KEY_BYTES).toString("base64") };
}

/** Only the canonical text of the right number of bytes: readers in other languages decode base64 more strictly. */
function isKeyText(text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === KEY_BYTES && bytes.toString("base64") === text;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the text, which holds keys.
    throw invalid("not JSON");
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const hasOnly = (value: Record<string, unknown>, names: readonly string[]): boolean =>
  Object.keys(value).every((name) => names.includes(name));

function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw invalid(what);
}

const invalid = (what: string): BulwarkError =>
  new BulwarkError("KEYRING_INVALID", `The keyring is malformed: ${what}`, "bulwark keys check");
