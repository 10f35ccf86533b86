// SPDX-License-Identifier: Apache-2.0

/** The escapes of `java.util.Properties` that are not the character itself. */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f" };

const decode = (part: string): string =>
  part.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_all, hex?: string, one = "") =>
    hex === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/**
 * Reads a file as `java.util.Properties.load` does: a line that ends in an odd number of backslashes goes on, a key
 * ends at the first blank, `=` or `:` without a backslash, and of what is named twice the last counts.
 */
export function readJavaProperties(text: string): Record<string, string> {
  const lines = text.match(/(?:\\(?:\r\n|.)|[^\\\r\n])+/gs) ?? [];
  const settings = lines
    .map((line) => line.replace(/(?<!\\)((?:\\\\)*)\\(?:\r\n|\r|\n)[ \t\f]*/g, "$1").replace(/^[ \t\f]+/, ""))
    .filter((line) => line !== "" && !/^[#!]/.test(line))
    .map((line) => {
      const [all = "", key = ""] = /^((?:\\.|[^\\ \t\f:=])*)[ \t\f]*[:=]?[ \t\f]*/s.exec(line) ?? [];
      return [decode(key), decode(line.slice(all.length))];
    });
  return Object.fromEntries(settings);
}
