// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Entry } from "./check.ts";

export const PROJECT_FILE = "bulwark.yaml";
export const USER_FILE = "config.yaml";

const MEND = "write it as name: value, one setting a line";

/** The nearest `bulwark.yaml` from a folder upwards, not beyond the root of its git repository. */
export function findProjectFile(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, PROJECT_FILE))) return join(at, PROJECT_FILE);
    if (at === dirname(at) || existsSync(join(at, ".git"))) return undefined;
  }
}

/**
 * Reads the settings written in a file; a file that is not there holds none.
 *
 * @throws BulwarkError CONFIG_INVALID when there is something that cannot be read as settings
 */
export async function readEntries(path: string): Promise<Entry[]> {
  const text = readIfThere(path);
  if (text === undefined) return [];
  // Loaded here: most users have no file, and every start would pay for it.
  const { isMap, isScalar, LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    const findings = [
      { code: "CONFIG_INVALID" as const, file: path, line, column: col, message: "no YAML here", mend: MEND },
    ];
    throw new BulwarkError("CONFIG_INVALID", `${path} is not YAML.`, MEND, { cause: error, findings });
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return [];
  if (!isMap(document.contents)) throw new BulwarkError("CONFIG_INVALID", `${path} holds no settings.`, MEND);
  return document.contents.items.map(({ key, value }) => {
    const { line, col } = lineCounter.linePos((isScalar(key) ? key.range?.[0] : undefined) ?? 0);
    return { name: String(key), value: isScalar(value) ? value.value : undefined, line, column: col };
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new BulwarkError("CONFIG_INVALID", `${path} cannot be read (${code}).`, `ls -ld ${path}`, { cause });
  }
}
