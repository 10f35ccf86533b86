// SPDX-License-Identifier: Apache-2.0
import type { KeyDescription, KeyType } from "../document/describe.ts";
import { FORMS } from "../document/forms.ts";
import { code } from "./markdown.ts";

const TYPES: Readonly<Record<string, string>> = {
  filled: "text",
  text: "text",
  integer: "whole number",
  boolean: "true or false",
};

function showType({ type, items, choices, range }: KeyDescription): string {
  if (choices !== undefined) return choices.map(code).join(", ");
  if (items?.choices !== undefined) return `list of ${items.choices.map(code).join(", ")}`;
  if (type === "list" && items !== undefined && !(items.type in TYPES)) return `one ${items.type}, or a list`;
  const words = TYPES[type] ?? type;
  return range === undefined ? words : `${words}, ${range.minimum} to ${range.maximum}`;
}

const showDefault = (value: unknown): string => (value === undefined ? "" : code(JSON.stringify(value)));

/** Rows of a table of keys: key, type, default, what it is. */
export const listKeys = (keys: readonly KeyDescription[]): string[][] =>
  keys.map((key) => [code(key.key), showType(key), showDefault(key.default), key.description]);

/** Rows of a table of the forms that such keys and the names in their maps have: name, words, example. */
export function listForms(keys: readonly KeyDescription[], names: readonly KeyType[]): string[][] {
  const used = new Set<KeyType | undefined>([...names, ...keys.flatMap(({ type, items }) => [type, items?.type])]);
  return Object.entries(FORMS)
    .filter(([name]) => name !== "filled" && used.has(name as KeyType))
    .map(([name, { words, example }]) => [name, words, code(example)]);
}
