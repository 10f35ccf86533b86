// SPDX-License-Identifier: Apache-2.0
import { suggestName } from "../suggest-name.ts";
import type { KeyDescription, KeyType } from "./describe.ts";
import { FORMS } from "./forms.ts";
import { JOB_KEYS } from "./generated/keys.ts";
import type { SchemaError } from "./generated/validate.d.ts";
import { type Issue, type Path, showPath } from "./issue.ts";
import { mendValue } from "./mend-value.ts";
import { RETIRED } from "./old-names.ts";

/** Names that users of other tools write for a key. */
const SYNONYMS: Readonly<Record<string, string>> = {
  arguments: "args",
  mainClass: "class",
  mainApplicationFile: "jar",
  pythonFile: "python",
  conf: "sparkConf",
  tee: "trust.tee",
  profile: "security.profile",
};
const VALUE_SHOWN_MAXIMUM = 40;

/** Maps whose names the file chooses: the form of a name, and whether each entry has keys of its own. */
const NAMED: Readonly<Record<string, { form: (typeof FORMS)[keyof typeof FORMS]; holdsMaps: boolean }>> = {
  data: { form: FORMS.dataset, holdsMaps: true },
  "driver.env": { form: FORMS.variable, holdsMaps: false },
  "executor.env": { form: FORMS.variable, holdsMaps: false },
  program: { form: FORMS.file, holdsMaps: false },
  volumes: { form: FORMS.name, holdsMaps: true },
  "network.allow": { form: FORMS.name, holdsMaps: true },
};

const segmentsOf = (key: string): string[] => key.split(".");

/** Path of a schema error: a JSON pointer (RFC 6901). */
export const pathOf = (error: SchemaError): Path =>
  error.instancePath
    .split("/")
    .slice(1)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));

/** The description of the key at a path, for an item of a list or map that of the list or map. */
function findKey(path: Path): KeyDescription | undefined {
  return JOB_KEYS.findLast(({ key }) => {
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

function wordsFor(type: KeyType, key: KeyDescription | undefined): string {
  if (type === "integer" && key?.range !== undefined) {
    return `it is a whole number from ${key.range.minimum} to ${key.range.maximum}`;
  }
  if (type === "choice") return `it is one of ${key?.choices?.join(", ")}`;
  return WORDS[type] ?? (type in FORMS ? FORMS[type as keyof typeof FORMS].words : "it is text");
}

/** Type of the value at a path: that of its key, or of what the key's list or map holds. */
function typeAt(path: Path, key: KeyDescription | undefined): KeyType {
  if (key === undefined) return "map";
  if (segmentsOf(key.key).length === path.length) return key.type;
  return NAMED[key.key]?.holdsMaps === true ? "map" : "text";
}

function explainValue(error: SchemaError, root: unknown, name: string): Issue {
  const at = pathOf(error);
  const key = findKey(at);
  const type = typeAt(at, key);
  const value = valueAt(root, at);
  const formed = error.keyword === "type" || error.keyword === "pattern";
  return {
    code: formed ? "JOB_TYPE_WRONG" : "JOB_VALUE_INVALID",
    at,
    message: `${name} ${showValue(value)}; ${wordsFor(type, key)}`,
    mend: mendValue({ name: at.at(-1) ?? name, type, value, key }),
  };
}

/** Keys that an unknown name may mean, nearest first: beside it, then anywhere in the file. */
export function suggestKeys(path: Path): readonly string[] {
  const name = path.at(-1) ?? "";
  const known = JOB_KEYS.map(({ key }) => key);
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
  const synonym = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined;
  if (synonym !== undefined) return [synonym];
  const elsewhere = known.filter((key) => lastOf(key).toLowerCase() === name.toLowerCase());
  if (elsewhere.length > 0) return elsewhere;
  const far = suggestName(showPath(path), known) ?? suggestName(name, known);
  return far === undefined ? [] : [far];
}

/** A key as one writes it at a place: its last name among its own, and below which key it belongs elsewhere. */
function showKey(key: string, at: Path): string {
  const segments = segmentsOf(key);
  const last = segments.at(-1) ?? key;
  if (segments.length === 1 || findKey(at.slice(0, -1))?.key === segments.slice(0, -1).join(".")) return `\`${last}\``;
  return at.length > 1 && segments[0] === "data" ? `\`${last}\`` : `\`${key}\` (\`${last}\` below \`${segments[0]}:\`)`;
}

function explainUnknownKey(at: Path): Issue {
  const name = at.at(-1) ?? "";
  const parent = findKey(at.slice(0, -1));
  // In a map of names, a key that is not known is one of the wrong form.
  const named = parent === undefined ? undefined : NAMED[parent.key];
  if (parent !== undefined && named !== undefined && at.length - segmentsOf(parent.key).length === 1) {
    const message = `${showPath(at)} cannot be named so; ${named.form.words}`;
    return { code: "JOB_VALUE_INVALID", at, message, mend: `Write for instance ${named.form.example}`, onKey: true };
  }
  const suggestions = suggestKeys(at);
  const retired = at.length === 1 && Object.hasOwn(RETIRED, name) ? RETIRED[name] : undefined;
  const mend =
    retired ??
    (suggestions.length > 0
      ? `Write ${suggestions.map((key) => showKey(key, at)).join(" or ")}`
      : "Remove it; docs/reference/job-file.md lists every key");
  return { code: "JOB_KEY_UNKNOWN", at, message: `${showPath(at)} is not a key of job files`, mend, onKey: true };
}

/**
 * What a schema error says in people's words.
 * @param nameOf the name the file has for a path
 */
export function explainError(error: SchemaError, root: unknown, nameOf: (path: Path) => string): Issue {
  const at = pathOf(error);
  if (error.keyword === "additionalProperties") {
    return explainUnknownKey([...at, error.params.additionalProperty ?? ""]);
  }
  if (error.keyword === "required") {
    const missing = error.params.missingProperty ?? "";
    const message = `${nameOf(at)} has no ${missing}`;
    return { code: "JOB_VALUE_INVALID", at, message, mend: `Add \`${missing}:\``, onKey: true };
  }
  return explainValue(error, root, nameOf(at));
}
