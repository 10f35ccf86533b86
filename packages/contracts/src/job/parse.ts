// SPDX-License-Identifier: Apache-2.0
import type { DocumentFormat } from "../document/format.ts";
import { type PlaceFinding, readDocument } from "../document/read.ts";
import type { Finding } from "../errors/index.ts";
import { JOB_KEYS } from "./generated/keys.ts";
import { validateJobFile } from "./generated/validate.js";
import { RETIRED, renameOldKeys } from "./old-names.ts";
import { rulesFor, type Target } from "./rules.ts";
import type { JobFile } from "./schema.ts";

/** The job file among our documents; which rules hold depends on where the job is to run. */
const toFormat = (target: Target): DocumentFormat<JobFile> => ({
  words: { one: "a job file", many: "job files", reference: "docs/reference/job-file.md" },
  codes: {
    unreadable: "JOB_FILE_UNREADABLE",
    syntax: "JOB_FILE_SYNTAX",
    invalid: "JOB_INVALID",
    keyUnknown: "JOB_KEY_UNKNOWN",
    typeWrong: "JOB_TYPE_WRONG",
    valueInvalid: "JOB_VALUE_INVALID",
  },
  keys: JOB_KEYS,
  validate: validateJobFile,
  rules: rulesFor(target),
  // Arguments, variables, Spark settings.
  isTextPlace: (path) =>
    (path.length === 2 && (path[0] === "args" || path[0] === "sparkConf")) || (path.length === 3 && path[1] === "env"),
  nameForms: {
    data: "dataset",
    "driver.env": "variable",
    "executor.env": "variable",
    program: "file",
    volumes: "name",
    "network.allow": "name",
  },
  synonyms: {
    arguments: "args",
    mainClass: "class",
    mainApplicationFile: "jar",
    pythonFile: "python",
    conf: "sparkConf",
    tee: "trust.tee",
    profile: "security.profile",
  },
  retired: RETIRED,
  mends: {
    start: "Write at least `jar: app.jar` or `python: app.py`",
    binary: "Name the YAML job file; a jar goes into its key `jar`",
    check: (file) => `bulwark validate ${target === "cluster" ? "--cluster " : ""}${file}`,
  },
  prepare: renameOldKeys,
});
const FORMATS: Readonly<Record<Target, DocumentFormat<JobFile>>> = {
  machine: toFormat("machine"),
  cluster: toFormat("cluster"),
};

/**
 * Reads a job file (YAML, JSON included), fills every default and checks it. Nothing is looked up outside the text.
 *
 * @param input the file as bytes or text
 * @param options.file the name to show in findings
 * @param options.target where it is to run; this machine when not given
 * @returns the job, deeply frozen, warnings about older names, and what places later findings about it in the file
 * @throws BulwarkError JOB_FILE_UNREADABLE (no text, empty, larger than 1 MiB), JOB_FILE_SYNTAX (no YAML, or YAML that
 *   says something else than it shows), JOB_INVALID with every finding by position
 */
export function parseJobFile(
  input: Uint8Array | string,
  options: { file: string; target?: Target },
): { job: JobFile; warnings: Finding[]; place: PlaceFinding } {
  const { value, ...rest } = readDocument(FORMATS[options.target ?? "machine"], input, options);
  return { job: value, ...rest };
}
