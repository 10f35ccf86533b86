// SPDX-License-Identifier: Apache-2.0
import { suggestName } from "../suggest-name.ts";
import type { KeyDescription, KeyType, ValueDescription } from "./describe.ts";
import { FORMS, HEX_BYTES } from "./forms.ts";

/**
 * A value that does not fit: its last name, what is expected there, and what stands there; and the key it belongs to,
 * which for an entry of a list or map is that of the list or map.
 */
export type WrongValue = {
  name: string;
  expected: ValueDescription;
  value: unknown;
  key: KeyDescription | undefined;
};

const SMALLER: Readonly<Record<string, string>> = { t: "g", g: "m", m: "k" };
const TIMES: readonly [RegExp, (amount: number) => string][] = [
  [/^ms|^milli/, (amount) => `${amount}ms`],
  [/^s/, (amount) => `${amount}s`],
  [/^m/, (amount) => `${amount}m`],
  [/^h/, (amount) => `${amount}h`],
  [/^d/, (amount) => `${amount * 24}h`],
];

/** Number and unit in a text such as `2 gigs` or `1.5 hours`. */
function readAmount(value: unknown): { amount: number; unit: string } | undefined {
  const [, number, unit = ""] = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$/i.exec(String(value)) ?? [];
  return number === undefined ? undefined : { amount: Number(number), unit: unit.toLowerCase() };
}

function guessSize(value: unknown): string | undefined {
  const { amount = 0, unit = "" } = readAmount(value) ?? {};
  const letter = unit.slice(0, 1);
  if (amount === 0) return undefined;
  if (unit === "") return Number.isInteger(amount) ? `${amount}m` : undefined;
  if (Number.isInteger(amount)) return /[kmgt]/.test(letter) ? `${amount}${letter}` : undefined;
  const smaller = SMALLER[letter];
  return smaller && `${Math.round(amount * 1024)}${smaller}`;
}

function guessDuration(value: unknown): string | undefined {
  const { amount, unit = "" } = readAmount(value) ?? {};
  if (amount === undefined || !Number.isInteger(amount)) return undefined;
  return unit === "" ? `${amount}s` : TIMES.find(([pattern]) => pattern.test(unit))?.[1](amount);
}

function guessName(value: unknown): string | undefined {
  const name = String(value)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-|-$/g, "");
  return name === "" ? undefined : name;
}

function guessBoolean(value: unknown): string | undefined {
  const text = String(value).toLowerCase();
  return /^(yes|on|true|1)$/.test(text) ? "true" : /^(no|off|false|0)$/.test(text) ? "false" : undefined;
}

/** Hex digits as other tools write them: with 0x before them, or with colons, dashes or spaces between. */
function guessHex(value: unknown, bytes: number): string | undefined {
  const digits =
    typeof value === "string"
      ? value
          .trim()
          .replace(/^0x/i, "")
          .replaceAll(/[:\s-]/g, "")
      : "";
  return digits.length === bytes * 2 && /^[0-9a-f]+$/i.test(digits) ? digits.toLowerCase() : undefined;
}

type Guess = (wrong: WrongValue) => string | undefined;

const isScalar = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";
const quoteScalar: Guess = ({ value }) => (isScalar(value) ? JSON.stringify(String(value)) : undefined);

/** What was probably meant by one value, by the type that is expected. */
const GUESSES: Partial<Record<KeyType, Guess>> = {
  size: ({ value }) => guessSize(value),
  duration: ({ value }) => guessDuration(value),
  name: ({ value }) => guessName(value),
  boolean: ({ value }) => guessBoolean(value),
  integer: ({ value, expected }) => {
    const number = typeof value === "string" || typeof value === "number" ? Math.round(Number(value)) : Number.NaN;
    const { minimum, maximum } = expected.range ?? { minimum: number, maximum: number };
    return Number.isNaN(number) || String(value).trim() === ""
      ? undefined
      : String(Math.min(Math.max(number, minimum), maximum));
  },
  choice: ({ value, expected }) => suggestName(String(value), expected.choices ?? []),
  text: quoteScalar,
  filled: quoteScalar,
  list: ({ value }) => (typeof value === "string" || isScalar(value) ? `[${JSON.stringify(value)}]` : undefined),
};

const formOf = (type: KeyType) => (Object.hasOwn(FORMS, type) ? FORMS[type as keyof typeof FORMS] : undefined);

/** A text as YAML reads it as one: what looks like something else in quotes. */
const writeText = (text: string): string =>
  Number.isNaN(Number(text)) && !/^(true|false|null)$/.test(text) ? text : JSON.stringify(text);

/** What was probably meant, if that fits; else what there is to choose from. */
function guessValue(wrong: WrongValue): string | undefined {
  const { expected, value } = wrong;
  const { type, choices } = expected;
  // A map or list is no slip of the pen; nor can every map be made a text.
  const guess =
    typeof value === "object" ? undefined : (guessHex(value, HEX_BYTES[type] ?? 0) ?? GUESSES[type]?.(wrong));
  const form = formOf(type);
  if (guess !== undefined && form === undefined) return guess;
  if (guess !== undefined && form !== undefined && new RegExp(form.pattern).test(guess)) return writeText(guess);
  return value === null ? undefined : choices?.join(" or ");
}

/** What to write instead of a value that does not fit: the nearest that does, or how to leave the key out. */
export function mendValue(wrong: WrongValue): string {
  const { name, expected, key } = wrong;
  const { type } = expected;
  const ownValue = key === expected;
  const wanted = guessValue(wrong);
  if (wanted !== undefined) return ownValue ? `Write \`${name}: ${wanted}\`` : `Write ${wanted}`;
  if (ownValue && key.default !== undefined && typeof key.default !== "object") {
    const value = typeof key.default === "string" ? writeText(key.default) : key.default;
    return `Write for instance \`${name}: ${value}\`, the default when the key is left out`;
  }
  const bytes = HEX_BYTES[type];
  if (bytes !== undefined) return `Write its ${bytes * 2} hex digits, none left out; 0x and colons do not count`;
  if (type === "map") return `Write keys and values below \`${name}:\`, indented`;
  if (type === "list") return `Write \`${name}: []\` or a list`;
  const form = formOf(type);
  return form === undefined ? "Write one value" : `Write for instance ${form.example}`;
}
