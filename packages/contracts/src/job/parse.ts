// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "../errors/index.ts";
import { explainError, pathOf, suggestKeys } from "./explain.ts";
import { JOB_KEYS } from "./generated/keys.ts";
import { type SchemaError, validateJobFile } from "./generated/validate.js";
import { type Issue, type Path, showPath } from "./issue.ts";
import { renameOldKeys } from "./old-names.ts";
import { RULES, type Target } from "./rules.ts";
import type { JobFile } from "./schema.ts";
import { readSource, type Source } from "./source.ts";
import { placeKey, type Tree, toTree } from "./tree.ts";

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `executor:` with nothing below it says nothing, so it is left out. A single value left empty is a finding. */
function dropEmptyGroups(fields: Fields): void {
  for (const { key } of JOB_KEYS.filter(({ type }) => type === "map" || type === "list")) {
    const path = key.split(".");
    const owners = path
      .slice(0, -1)
      .reduce<unknown[]>(
        (nodes, name) =>
          nodes.flatMap((node) => (!isFields(node) ? [] : name === "NAME" ? Object.values(node) : [node[name]])),
        [fields],
      );
    const last = path.at(-1) ?? "";
    for (const owner of owners) {
      if (isFields(owner) && owner[last] === null) delete owner[last];
    }
  }
}

function removeAt(root: unknown, path: Path): void {
  const owner = path.slice(0, -1).reduce<unknown>((node, name) => (node as Fields | undefined)?.[name], root);
  const last = path.at(-1) ?? "";
  if (Array.isArray(owner)) owner.splice(Number(last), 1);
  else if (isFields(owner)) delete owner[last];
}

/** The value an error is about: for a key that is not known, the key; for one that is missing, what should have it. */
const culpritOf = (error: SchemaError): Path =>
  error.keyword === "additionalProperties" ? [...pathOf(error), error.params.additionalProperty ?? ""] : pathOf(error);

/**
 * Checks against the schema and fills defaults. What does not fit is taken out of the tree, so that the rules can judge
 * the rest; `broken` are the keys about which nothing more can be said.
 */
function checkSchema(tree: Tree): { issues: Issue[]; broken: string[] } {
  const errors = validateJobFile(tree.value) ? [] : [...(validateJobFile.errors ?? [])];
  const nameOf = (path: Path): string => tree.places.get(placeKey(path))?.name ?? showPath(path);
  const unknown = new Set(
    errors.filter(({ keyword }) => keyword === "additionalProperties").map((error) => error.instancePath),
  );
  // A misspelt key explains why the right one is missing.
  const told = errors.filter((error) => error.keyword !== "required" || !unknown.has(error.instancePath));
  const issues = told.map((error) => explainError(error, tree.value, nameOf));
  const culprits = errors.map(culpritOf);
  const broken = culprits.flatMap((path, index) =>
    errors[index]?.keyword === "additionalProperties" ? suggestKeys(path) : [showPath(path)],
  );
  // From the end, so that positions in lists stay right.
  for (const path of culprits.toReversed()) removeAt(tree.value, path);
  return { issues: [...new Map(issues.map((issue) => [placeKey(issue.at), issue])).values()], broken };
}

const touches = (one: string, two: string): boolean =>
  one === two || one.startsWith(`${two}.`) || two.startsWith(`${one}.`);

function checkRules(job: JobFile, broken: readonly string[], target: Target): Issue[] {
  return Object.values(RULES)
    .filter((rule) => rule.target === undefined || rule.target === target)
    .filter(({ about }) => !about.some((key) => broken.some((path) => touches(path, key))))
    .flatMap(({ check }) => check(job, target));
}

function toFinding(issue: Issue, source: Source, tree: Tree): Finding {
  const place = tree.places.get(placeKey(issue.at));
  const offset = (issue.onKey === true ? place?.key : place?.value) ?? 0;
  return {
    code: issue.code,
    message: issue.message,
    mend: issue.mend,
    file: source.file,
    ...source.locate(offset),
    ...(issue.at.length === 0 ? {} : { path: place?.name ?? showPath(issue.at) }),
  };
}

const byPosition = (one: Finding, two: Finding): number =>
  (one.line ?? 0) - (two.line ?? 0) || (one.column ?? 0) - (two.column ?? 0);

function invalid(file: string, findings: readonly Finding[]): BulwarkError {
  const sorted = findings.toSorted(byPosition);
  const count = sorted.length === 1 ? "one finding" : `${sorted.length} findings`;
  return new BulwarkError("JOB_INVALID", `${file} has ${count}`, `Correct the file, then: bulwark validate ${file}`, {
    findings: sorted,
  });
}

function freeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}

/**
 * Reads a job file (YAML, JSON included), fills every default and checks it. Nothing is looked up outside the text.
 *
 * @param input the file as bytes or text
 * @param options.file the name to show in findings
 * @param options.target where it is to run; this machine when not given
 * @returns the job, deeply frozen, and warnings about older names
 * @throws BulwarkError JOB_FILE_UNREADABLE (no text, empty, larger than 1 MiB), JOB_FILE_SYNTAX (no YAML, or YAML that
 *   says something else than it shows), JOB_INVALID with every finding by position
 */
export function parseJobFile(
  input: Uint8Array | string,
  options: { file: string; target?: Target },
): { job: JobFile; warnings: Finding[] } {
  const source = readSource(input, options.file);
  const tree = toTree(source);
  if (!isFields(tree.value)) {
    const message = `a job file is a map of keys and values, and this is ${Array.isArray(tree.value) ? "a list" : "one value"}`;
    const mend = "Write at least `jar: app.jar` or `python: app.py`";
    throw invalid(options.file, [toFinding({ code: "JOB_TYPE_WRONG", at: [], message, mend }, source, tree)]);
  }
  const { warnings, conflicts } = renameOldKeys(tree);
  dropEmptyGroups(tree.value);
  const { issues, broken } = checkSchema(tree);
  // A second pass gives what was taken out its default; an entry that cannot be mended is left out as a whole.
  if (issues.length > 0) checkSchema(tree);
  const ruled = validateJobFile(tree.value)
    ? checkRules(tree.value as JobFile, broken, options.target ?? "machine")
    : [];
  const all = [...conflicts, ...issues, ...ruled].map((issue) => toFinding(issue, source, tree));
  if (all.length > 0) {
    throw invalid(options.file, all);
  }
  return {
    job: freeze(tree.value as JobFile),
    warnings: warnings.map((issue) => toFinding(issue, source, tree)).toSorted(byPosition),
  };
}
