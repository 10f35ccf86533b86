// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Paints text for one stream, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

/** Colour only on a terminal that wants it (NO_COLOR, TERM=dumb, --no-color), decided per stream. */
export function createPaint(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
  wanted: boolean,
): Paint {
  const on = wanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return (format, text) => (on ? styleText(format, text, { validateStream: false }) : text);
}

/** Makes control characters visible, so that data cannot steer a terminal. */
export function showControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
