// SPDX-License-Identifier: Apache-2.0
import { type Issue, type Path, showPath } from "../document/issue.ts";

// Patterns that the checks of a job file and the schema of the chart share: `\p{...}` is known to ECMAScript (with the
// flag u) and to Go.

/**
 * What ends a line for one of those who read a job's settings, or means something to a terminal: control characters (of
 * C0 and C1, so tab and U+0085, too) and the separators U+2028 and U+2029.
 */
const CONTROLS = "\\p{Cc}\\p{Zl}\\p{Zp}";
/** Text without any of these. */
export const ONE_LINE_PATTERN = `^[^${CONTROLS}]*$`;
/** A text of an operating system ends with NUL. */
export const NUL_PATTERN = "\\x00";

const CONTROL = new RegExp(`[${CONTROLS}]`, "u");
const NUL = new RegExp(NUL_PATTERN, "u");

/** Keys whose texts may have several lines: files of a program, and arguments, which reach it as they are. */
export const MULTILINE = ["program", "args"] as const;
const isMultiline = ([key]: Path): boolean => MULTILINE.some((name) => name === key);

/** What is wrong with a text: the rest of a sentence about it, which never says the text itself, and what to do. */
export type Flaw = Pick<Issue, "message" | "mend">;

/** What may be in no text of the place, whatever else it may hold. */
export function findFlaw(text: string, at: Path): Flaw | undefined {
  const [control] = (isMultiline(at) ? NUL : CONTROL).exec(text) ?? [];
  if (control === undefined) return undefined;
  const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return {
    message: `has a line break or another control character (U+${code}), which could begin another setting`,
    mend: "Write it in one line; in YAML, `>-` joins lines without a break at the end",
  };
}

type Text = { text: string; at: Path; onKey?: true };

/** Every text below a value, and the names of the maps that hold them. */
function listTexts(value: unknown, at: Path): Text[] {
  if (typeof value === "string") return [{ text: value, at }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = [...at, name];
    return [{ text: name, at: place, onKey: true }, ...listTexts(inner, place)];
  });
}

/**
 * Issues of every text of a job file and every name in its maps, wherever it ends: in settings, variables, arguments or
 * annotations. Spark settings are left to their own rule, which asks `findFlaw`, too.
 */
export function plainTextIssues({ sparkConf: _, ...job }: Readonly<Record<string, unknown>>): Issue[] {
  return listTexts(job, []).flatMap(({ text, at, ...place }) => {
    const flaw = findFlaw(text, at);
    if (flaw === undefined) return [];
    const name = showPath(at.map((step) => step.replaceAll(new RegExp(CONTROL, "gu"), "?")));
    return [{ code: "JOB_VALUE_INVALID", at, message: `${name} ${flaw.message}`, mend: flaw.mend, ...place }];
  });
}
