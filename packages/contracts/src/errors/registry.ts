// SPDX-License-Identifier: Apache-2.0
import type { ExitName } from "./exit-codes.ts";

type ErrorEntry = { exit: ExitName; http: number; summary: string };

const entry = (exit: ExitName, http: number, summary: string): ErrorEntry => ({ exit, http, summary });

/**
 * Every error a user can meet, by code. Codes are stable and never reused.
 * Exit code and HTTP status are looked up here at the edge; `docs/reference/errors.md` is generated from it.
 */
export const ERRORS = {
  // The tool itself
  BUG: entry("bug", 500, "Bulwark met a state that its authors did not expect"),
  USAGE: entry("usage", 400, "A command, flag or argument is not known or does not fit"),
  INTERRUPTED: entry("interrupted", 499, "The user interrupted the command"),
  TIMED_OUT: entry("timedOut", 504, "The time limit was reached"),

  // Job file
  JOB_FILE_MISSING: entry("invalid", 400, "The job file does not exist or cannot be read"),
  JOB_FILE_UNREADABLE: entry("invalid", 400, "The job file is a folder, binary, empty or too large"),
  JOB_FILE_SYNTAX: entry("invalid", 400, "The job file is not valid YAML"),
  JOB_INVALID: entry("invalid", 400, "The job file has findings; each is listed with line and mend"),
  JOB_KEY_UNKNOWN: entry("invalid", 400, "A key that no job file has"),
  JOB_TYPE_WRONG: entry("invalid", 400, "A value of the wrong type or form"),
  JOB_VALUE_INVALID: entry("invalid", 400, "A value outside what is allowed"),
  JOB_CONFLICT: entry("invalid", 400, "Two settings that exclude each other, or one that needs another"),
  JOB_SETTING_REFUSED: entry("invalid", 400, "A Spark setting or variable that would weaken the security profile"),
  JOB_FILE_REFERENCE: entry("invalid", 400, "A file or class named by the job does not exist"),
  JOB_TOO_LARGE: entry("invalid", 400, "The job asks for more than this machine has"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
