// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, countFindings, type Finding } from "../errors/index.ts";
import type { KeyDescription } from "./describe.ts";
import { explainError, pathOf, suggestKeys } from "./explain.ts";
import type { DocumentFormat, SchemaError } from "./format.ts";
import { type Issue, type Path, showPath } from "./issue.ts";
import { type AnyFormat, readSource, type Source } from "./source.ts";
import { placeKey, type Tree, toTree } from "./tree.ts";

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `executor:` with nothing below it says nothing, so it is left out. A single value left empty is a finding. */
function dropEmptyGroups(fields: Fields, keys: readonly KeyDescription[]): void {
  for (const { key } of keys.filter(({ type }) => type === "map" || type === "list")) {
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
 * the rest; `broken` are the keys about which nothing more can be said, `removed` the places that now lack something.
 */
function checkSchema(tree: Tree, format: AnyFormat): { issues: Issue[]; broken: string[]; removed: string[] } {
  const errors = format.validate(tree.value) ? [] : [...(format.validate.errors ?? [])];
  const nameOf = (path: Path): string => tree.places.get(placeKey(path))?.name ?? showPath(path);
  const unknown = new Set(
    errors.filter(({ keyword }) => keyword === "additionalProperties").map((error) => error.instancePath),
  );
  // A misspelt key explains why the right one is missing.
  const told = errors.filter((error) => error.keyword !== "required" || !unknown.has(error.instancePath));
  const issues = told.map((error) => explainError(error, tree.value, nameOf, format));
  const culprits = errors.map(culpritOf);
  const broken = culprits.flatMap((path, index) =>
    errors[index]?.keyword === "additionalProperties" ? suggestKeys(path, format) : [showPath(path)],
  );
  // From the end, so that positions in lists stay right.
  for (const path of culprits.toReversed()) removeAt(tree.value, path);
  return {
    issues: [...new Map(issues.map((issue) => [placeKey(issue.at), issue])).values()],
    broken,
    removed: culprits.map(showPath),
  };
}

const touches = (one: string, two: string): boolean =>
  one === two || one.startsWith(`${two}.`) || two.startsWith(`${one}.`);

function checkRules<Value>(value: Value, rules: DocumentFormat<Value>["rules"], broken: readonly string[]): Issue[] {
  return Object.values(rules)
    .filter(({ about }) => !about.some((key) => broken.some((path) => touches(path, key))))
    .flatMap(({ check }) => check(value));
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

/**
 * Puts file, line and column to what is about a value of a document, and the name that the document has for it. A value
 * that is left to its default is found where it would stand: at what would hold it. What is about no value stays as it is.
 */
export type PlaceFinding = <About extends Pick<Finding, "path">>(
  about: About,
) => About & Pick<Finding, "file" | "line" | "column">;

function createPlacer(source: Source, tree: Tree): PlaceFinding {
  const places = new Map([...tree.places].map(([key, place]) => [showPath(key.split("\0")), place]));
  return (about) => {
    if (about.path === undefined) return about;
    const names = about.path.split(".");
    const holders = names.map((_name, index) => showPath(names.slice(0, names.length - index)));
    const nearest = holders.find((path) => places.has(path));
    const place = places.get(nearest ?? "");
    const path = nearest === about.path && place !== undefined ? place.name : about.path;
    return { ...about, path, file: source.file, ...source.locate(place?.value ?? 0) };
  };
}

export const byPosition = (one: Finding, two: Finding): number =>
  (one.line ?? 0) - (two.line ?? 0) || (one.column ?? 0) - (two.column ?? 0);

function invalid({ file, format }: Pick<Source, "file" | "format">, findings: readonly Finding[]): BulwarkError {
  const sorted = findings.toSorted(byPosition);
  const mend = `Correct the file, then: ${format.mends.check(file)}`;
  return new BulwarkError(format.codes.invalid, `${file} has ${countFindings(sorted)}`, mend, { findings: sorted });
}

function freeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}

/**
 * Reads a YAML document (JSON included), fills every default and checks it. Nothing is looked up outside the text.
 *
 * @param input the file as bytes or text
 * @param options.file the name to show in findings
 * @returns the value, deeply frozen, warnings about older names, and what places later findings about its values
 * @throws BulwarkError with the format's codes: no text, no YAML or YAML that says something else than it shows, and
 *   every finding by position
 */
export function readDocument<Value>(
  format: DocumentFormat<Value>,
  input: Uint8Array | string,
  { file }: { file: string },
): { value: Value; warnings: Finding[]; place: PlaceFinding } {
  const source = readSource(input, file, format);
  const tree = toTree(source);
  if (!isFields(tree.value)) {
    const is = Array.isArray(tree.value) ? "a list" : "one value";
    const message = `${format.words.one} is a map of keys and values, and this is ${is}`;
    const issue: Issue = { code: format.codes.typeWrong, at: [], message, mend: format.mends.start };
    throw invalid(source, [toFinding(issue, source, tree)]);
  }
  const { warnings, conflicts } = format.prepare?.(tree) ?? { warnings: [], conflicts: [] };
  dropEmptyGroups(tree.value, format.keys);
  const { issues, broken, removed } = checkSchema(tree, format);
  // A second pass gives what was taken out its default; an entry that cannot be mended is left out as a whole.
  if (issues.length > 0) checkSchema(tree, format);
  const ruled = format.validate(tree.value) ? checkRules(tree.value as Value, format.rules, broken) : [];
  const isWhole = ({ at }: Issue): boolean => !removed.some((path) => touches(path, showPath(at)));
  const all = [...conflicts, ...issues, ...ruled.filter(isWhole)].map((issue) => toFinding(issue, source, tree));
  if (all.length > 0) throw invalid(source, all);
  return {
    value: freeze(tree.value as Value),
    warnings: warnings.map((issue) => toFinding(issue, source, tree)).toSorted(byPosition),
    place: createPlacer(source, tree),
  };
}
