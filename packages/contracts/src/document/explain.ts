// SPDX-License-Identifier: Apache-2.0
import { suggestName } from "../suggest-name.ts";
import type { KeyDescription, KeyType } from "./describe.ts";
import type { DocumentFormat, SchemaError } from "./format.ts";
import { FORMS, HEX_BYTES } from "./forms.ts";
import { type Issue, type Path, showPath } from "./issue.ts";
import { mendValue } from "./mend-value.ts";

const VALUE_SHOWN_MAXIMUM = 40;

/** What explaining needs of a format: its keys and words, not its rules. */
type Vocabulary = Pick<DocumentFormat<never>, "words" | "codes" | "keys" | "nameForms" | "synonyms" | "retired">;

const segmentsOf = (key: string): string[] => key.split(".");

/** Path of a schema error: a JSON pointer (RFC 6901). */
export const pathOf = (error: SchemaError): Path =>
  error.instancePath
    .split("/")
    .slice(1)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));

/** The description of the key at a path, for an item of a list or map that of the list or map. */
function findKey(path: Path, { keys }: Pick<Vocabulary, "keys">): KeyDescription | undefined {
  return keys.findLast(({ key }) => {
    const segments = segmentsOf(key);
    return segments.length <= path.length && segments.every((name, index) => name === "NAME" || name === path[index]);
  });
}

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], root);

function showValue(value: unknown): string {
  if (value === null) return "has no value";
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object") return "is a map";
  const text = String(value);
  const shown = text.length > VALUE_SHOWN_MAXIMUM ? `${text.slice(0, VALUE_SHOWN_MAXIMUM)}...` : text;
  return typeof value === "string" ? `is ${JSON.stringify(shown)}` : `is ${shown}`;
}

const WORDS: Readonly<Record<string, string>> = {
  text: "it is text",
  integer: "it is a whole number",
  boolean: "it is true or false",
  list: "it is a list",
  map: "it is a map of keys and values",
};

/** Says how long a text is that should be hex digits, since a missing one cannot be seen. */
const countDigits = (value: unknown, wanted: number): string =>
  typeof value !== "string" || value.length === wanted ? "" : `, and this has ${value.length}`;

function wordsFor(type: KeyType, key: KeyDescription | undefined, value: unknown): string {
  const bytes = HEX_BYTES[type];
  if (bytes !== undefined) return `it is ${bytes * 2} hex digits (${bytes} bytes)${countDigits(value, bytes * 2)}`;
  if (type === "integer" && key?.range !== undefined) {
    return `it is a whole number from ${key.range.minimum} to ${key.range.maximum}`;
  }
  if (type === "choice") return `it is one of ${key?.choices?.join(", ")}`;
  return WORDS[type] ?? (type in FORMS ? FORMS[type as keyof typeof FORMS].words : "it is text");
}

/** Type of the value at a path: that of its key, or of what the key's list or map holds. */
function typeAt(path: Path, key: KeyDescription | undefined): KeyType {
  if (key === undefined) return "map";
  return segmentsOf(key.key).length === path.length ? key.type : (key.items ?? "text");
}

function explainValue(error: SchemaError, root: unknown, name: string, format: Vocabulary): Issue {
  const at = pathOf(error);
  const found = findKey(at, format);
  const type = typeAt(at, found);
  const isEntry = found !== undefined && segmentsOf(found.key).length < at.length;
  const key = isEntry ? { ...found, ...found.of } : found;
  const value = valueAt(root, at);
  const formed = error.keyword === "type" || error.keyword === "pattern";
  return {
    code: formed ? format.codes.typeWrong : format.codes.valueInvalid,
    at,
    message: `${name} ${showValue(value)}; ${wordsFor(type, key, value)}`,
    mend: mendValue({ name: at.at(-1) ?? name, type, value, key }),
  };
}

/** Keys that an unknown name may mean, nearest first: beside it, then anywhere in the document. */
export function suggestKeys(path: Path, { keys, synonyms }: Pick<Vocabulary, "keys" | "synonyms">): readonly string[] {
  const name = path.at(-1) ?? "";
  const known = keys.map(({ key }) => key);
  const depth = path.length;
  const beside = known.filter((key) => {
    const segments = segmentsOf(key);
    return (
      segments.length === depth && segments.slice(0, -1).every((part, index) => part === "NAME" || part === path[index])
    );
  });
  const lastOf = (key: string): string => segmentsOf(key).at(-1) ?? key;
  const near = suggestName(name, beside.map(lastOf));
  if (near !== undefined) return beside.filter((key) => lastOf(key) === near);
  const synonym = Object.hasOwn(synonyms, name) ? synonyms[name] : undefined;
  if (synonym !== undefined) return [synonym];
  const elsewhere = known.filter((key) => lastOf(key).toLowerCase() === name.toLowerCase());
  if (elsewhere.length > 0) return elsewhere;
  const far = suggestName(showPath(path), known) ?? suggestName(name, known);
  return far === undefined ? [] : [far];
}

/** A key as one writes it at a place: its last name among its own, and below which key it belongs elsewhere. */
function showKey(key: string, at: Path, format: Vocabulary): string {
  const segments = segmentsOf(key);
  const last = segments.at(-1) ?? key;
  if (segments.length === 1 || findKey(at.slice(0, -1), format)?.key === segments.slice(0, -1).join("."))
    return `\`${last}\``;
  return at.length > 1 && segments[1] === "NAME" && segments[0] === at[0]
    ? `\`${last}\``
    : `\`${key}\` (\`${last}\` below \`${segments[0]}:\`)`;
}

function explainUnknownKey(at: Path, format: Vocabulary): Issue {
  const { codes, words, nameForms, retired } = format;
  const name = at.at(-1) ?? "";
  const parent = findKey(at.slice(0, -1), format);
  // In a map of names, a key that is not known is one of the wrong form.
  const formName = parent === undefined ? undefined : nameForms[parent.key];
  if (parent !== undefined && formName !== undefined && at.length - segmentsOf(parent.key).length === 1) {
    const form = FORMS[formName];
    const message = `${showPath(at)} cannot be named so; ${form.words}`;
    return { code: codes.valueInvalid, at, message, mend: `Write for instance ${form.example}`, onKey: true };
  }
  const suggestions = suggestKeys(at, format);
  const instead = Object.hasOwn(retired, name) ? retired[name] : undefined;
  const mend =
    instead ??
    (suggestions.length > 0
      ? `Write ${suggestions.map((key) => showKey(key, at, format)).join(" or ")}`
      : `Remove it; ${words.reference} lists every key`);
  return { code: codes.keyUnknown, at, message: `${showPath(at)} is not a key of ${words.many}`, mend, onKey: true };
}

/**
 * What a schema error says in people's words.
 * @param nameOf the name the file has for a path
 */
export function explainError(
  error: SchemaError,
  root: unknown,
  nameOf: (path: Path) => string,
  format: Vocabulary,
): Issue {
  const at = pathOf(error);
  if (error.keyword === "additionalProperties") {
    return explainUnknownKey([...at, error.params.additionalProperty ?? ""], format);
  }
  if (error.keyword === "required") {
    const missing = error.params.missingProperty ?? "";
    const message = `${at.length === 0 ? `the ${words(format)}` : nameOf(at)} has no ${missing}`;
    return { code: format.codes.valueInvalid, at, message, mend: `Add \`${missing}:\``, onKey: true };
  }
  return explainValue(error, root, nameOf(at), format);
}

/** `job file`, without its article. */
const words = (format: Vocabulary): string => format.words.one.replace(/^an? /, "");
