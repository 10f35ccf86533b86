// SPDX-License-Identifier: Apache-2.0

/** Settings by name, in the order they are written. */
export type Properties = Readonly<Record<string, string>>;

/**
 * Writes settings in the format of `java.util.Properties`. Every character that could end a key, continue a line or
 * leave ASCII is escaped, so a value cannot smuggle in a second setting.
 */
export function formatProperties(properties: Properties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${escapeText(key)}=${escapeText(value)}\n`)
    .join("");
}

function escapeText(text: string): string {
  return text.replace(/[^0-9A-Za-z_./,;@()[\]{}*+$%&<>"'|?~^-]/g, (character) => {
    const unit = character.charCodeAt(0);
    return `\\u${unit.toString(16).padStart(4, "0")}`;
  });
}

/** Reads back what `formatProperties` wrote. */
export function parseProperties(text: string): Properties {
  const decode = (part: string): string =>
    part.replace(/\\u([0-9a-f]{4})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const pairs = text
    .split("\n")
    .filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)].map(decode));
  return Object.fromEntries(pairs);
}
