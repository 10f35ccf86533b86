// SPDX-License-Identifier: Apache-2.0

/** What a manifest's values are made of; the little of TOML 1.0 that manifests need. */
export type TomlValue = string | number | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue };

const BARE_KEY = /^[A-Za-z0-9_-]+$/;
const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A basic string; control characters are escaped, so that no value can begin another line. */
function quote(text: string): string {
  const escaped = [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return (
      ESCAPES[character] ?? (code < 0x20 || code === 0x7f ? `\\u${code.toString(16).padStart(4, "0")}` : character)
    );
  });
  return `"${escaped.join("")}"`;
}

const formatKey = (key: string): string => (BARE_KEY.test(key) ? key : quote(key));

function formatValue(value: TomlValue): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => `\n  ${formatValue(item)},`).join("")}\n]`;
  const pairs = Object.entries(value).map(([key, inner]) => `${formatKey(key)} = ${formatValue(inner)}`);
  return `{ ${pairs.join(", ")} }`;
}

/** Writes keys with dots, as `sgx.debug`, one a line, in the order given. */
export function formatToml(entries: Readonly<Record<string, TomlValue>>): string {
  return Object.entries(entries)
    .map(([path, value]) => `${path.split(".").map(formatKey).join(".")} = ${formatValue(value)}\n`)
    .join("");
}
