// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";
import type { Environment } from "../command.ts";

type Format = Parameters<typeof styleText>[0];

/** Paints text for one stream, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

/** Colour only on a terminal that wants it (NO_COLOR, TERM=dumb, --no-color), decided per stream. */
export function createPaint(stream: { isTTY?: boolean }, env: Environment, wanted: boolean): Paint {
  const on = wanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return (format, text) => (on ? styleText(format, text, { validateStream: false }) : text);
}

/** C0 but tab and line feed, C1, and what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Makes control characters visible, so that data cannot steer a terminal. Lines and tabs stay. */
export function showControls(text: string): string {
  return text.replace(CONTROLS, escapeCharacter);
}

/** The same for text that must stay in one line. */
export function showOneLine(text: string): string {
  return showControls(text).replace(/[\t\n\u2028\u2029]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}
