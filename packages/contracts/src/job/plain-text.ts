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
/**
 * Credentials in an address: a password before the host; with schemes that have no other use for it, a name alone, too
 * (abfss and wasbs name the container there).
 */
export const CREDENTIALS_PATTERN =
  "://[^/?#@\\s]*:[^/?#\\s]*@|(?i:https?|ftps?|sftp|s3[an]?|gs|oss|cosn?|obs)://[^/?#\\s]+@";
/** A text of an operating system ends with NUL. */
export const NUL_PATTERN = "\\x00";

const CONTROL = new RegExp(`[${CONTROLS}]`, "u");
const CREDENTIALS = new RegExp(CREDENTIALS_PATTERN, "u");
const NUL = new RegExp(NUL_PATTERN, "u");

/** Keys whose texts may have several lines: files of a program, and arguments, which reach it as they are. */
export const MULTILINE = ["program", "args"] as const;
const isMultiline = ([key]: Path): boolean => MULTILINE.some((name) => name === key);

const IDENTITY =
  "Remove them and let the job read a Secret (`secret:` below `volumes`) or have a workload identity, for S3 `spark.hadoop.fs.s3a.aws.credentials.provider`";
const FILE = "Remove them: put the file into the image, or into a Secret below `volumes`, and name its path there";
/** Where credentials belong instead, by the key at the top. */
const BELONG: Readonly<Record<string, string>> = {
  jar: FILE,
  python: FILE,
  jars: FILE,
  pyFiles: FILE,
  files: FILE,
  maven: "Name a mirror that asks for none, or put the libraries into the image and name them under `jars`",
  k8sMaster: "Remove them: pods show the token of their service account",
  image: "Remove them and name a Secret with the registry's credentials under `imagePullSecrets`",
};

/** What is wrong with a text: the rest of a sentence about it, which never says the text itself, and what to do. */
export type Flaw = Pick<Issue, "message" | "mend">;

/** What may be in no text of the place, whatever else it may hold. */
export function findFlaw(text: string, at: Path): Flaw | undefined {
  const [control] = (isMultiline(at) ? NUL : CONTROL).exec(text) ?? [];
  if (control !== undefined) {
    const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return {
      message: `has a line break or another control character (U+${code}), which could begin another setting`,
      mend: "Write it in one line; in YAML, `>-` joins lines without a break at the end",
    };
  }
  if (at[0] === "program" || !CREDENTIALS.test(text)) return undefined;
  return {
    message: "has credentials in an address, where every reader of the file, the release or the pods sees them",
    mend: BELONG[at[0] ?? ""] ?? IDENTITY,
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
