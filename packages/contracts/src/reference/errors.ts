// SPDX-License-Identifier: Apache-2.0
import { ERRORS, EXIT, EXIT_MEANING, type ExitName } from "../errors/index.ts";
import { code, GENERATED_NOTE, renderTable } from "./markdown.ts";

const anchor = (name: string): string => `<a id="${name.toLowerCase().replaceAll("_", "-")}"></a>${code(name)}`;

/** docs/reference/errors.md: every code with what is looked up from it. */
export function renderErrors(): string {
  const exits = (Object.keys(EXIT) as ExitName[]).map((name) => [String(EXIT[name]), EXIT_MEANING[name]]);
  const errors = Object.entries(ERRORS)
    .toSorted(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, { exit, http, summary }]) => [anchor(name), String(EXIT[exit]), String(http), summary]);
  return `${GENERATED_NOTE}

# Errors

Every error has a code, a message (what happened) and a mend (what to do). Codes are stable and never reused.

## Exit codes

${renderTable(["Exit code", "Meaning"], exits)}

## Codes

${renderTable(["Code", "Exit code", "HTTP", "What it says"], errors)}
`;
}
