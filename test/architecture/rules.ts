// SPDX-License-Identifier: Apache-2.0
import { findWorkspace, isTest, listImports, resolveImport, type SourceFile, type Tree } from "./tree.ts";

/** A place where a rule is broken. */
export type Violation = { rule: RuleName; path: string; detail: string };

type Check = (tree: Tree) => { path: string; detail: string }[];

/**
 * Which rooms a room may import; the first row that fits a file counts. A room is a workspace's folder. Folders at the
 * root that are no workspace are bound by `MAY_REACH_IN` alone.
 */
const DIRECTIONS: readonly { from: RegExp; may: RegExp; reason: string }[] = [
  { from: /^packages\/contracts\//, may: /^$/, reason: "contracts import no room" },
  {
    from: /^packages\/(simulation|collateral)\/.*\.test\.ts$/,
    may: /^packages\/(contracts|attestation|simulation)$/,
    reason: "tests verify what was simulated",
  },
  { from: /^packages\/simulation\//, may: /^packages\/contracts$/, reason: "it shares no code with what judges it" },
  {
    from: /^packages\/collateral\//,
    may: /^packages\/(contracts|attestation)$/,
    reason: "it brings what attestation reads",
  },
  {
    from: /^packages\/(inference|queue)\//,
    may: /^packages\/(contracts|tensors)$/,
    reason: "they speak in tensors",
  },
  {
    from: /^packages\/serving-client\//,
    may: /^packages\/(contracts|tensors|queue)$/,
    reason: "it speaks in tensors, and seals as the queue does",
  },
  {
    from: /^packages\/[^/]+\/.*(\.test\.ts$|\/testing\/)/,
    may: /^packages\/(contracts|simulation)$/,
    reason: "tests may simulate",
  },
  { from: /^packages\//, may: /^packages\/contracts$/, reason: "packages import contracts alone" },
  { from: /^cli\/src\/commands\/attest\/simulate/, may: /^packages\//, reason: "the command that simulates" },
  { from: /^(cli|services\/[^/]+)\/.*\.test\.ts$/, may: /^packages\//, reason: "tests may simulate" },
  { from: /^(cli|services)\//, may: /^packages\/(?!simulation$)/, reason: "nothing that runs in earnest simulates" },
];

/** Rooms whose libraries are counted, since each is part of what must be trusted: what they may import beside rooms. */
const FEW_LIBRARIES: readonly { from: RegExp; may: RegExp }[] = [
  { from: /^packages\/attestation\/(?!.*(\.test\.ts$|\/testing\/))/, may: /^node:crypto$/ },
];

/** Folders that are no workspace, and may import files of workspaces by path. */
const MAY_REACH_IN = ["scripts", "test", "bench", "examples"];

/** Imports by path that leave a workspace, each for a reason. */
const CROSSINGS: Readonly<Record<string, { to: string; reason: string }>> = {
  "cli/src/versions.ts": {
    to: "versions.json",
    reason: "the one file with every pinned version, also read by scripts",
  },
};

const SPDX = "SPDX-License-Identifier: Apache-2.0";
const SPDX_WITHIN_LINES = 3;
const LONGEST_FILE = 400;
const VAGUE_FOLDERS = new Set(["utils", "helpers", "common", "manager", "util", "helper"]);

/** What a library must not say: it takes time, files and randomness as arguments and leaves the process to others. */
const NOT_IN_PACKAGES = ["process.env", "console.", "node:child_process"];
/** Files of packages that may, each for a reason. */
const MAY_IN_PACKAGES: Readonly<Record<string, { what: string; reason: string }>> = {};

/** What code that decides about trust must not reach for: its answer depends on its arguments alone. */
const PURE = /^packages\/attestation\/src\//;
const NOT_IN_PURE: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bperformance\./,
  /\bprocess\b\./,
  /\bglobalThis\b/,
  /\bfetch\(/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bMath\.random\b/,
  /\brandom(Bytes|Int|UUID|Fill\w*)\b/,
  /\bimport\s*\(/,
  /\brequire\b\s*\(/,
];

const toRooms = (tree: Tree, file: SourceFile): { specifier: string; room: string }[] =>
  listImports(file).flatMap((specifier) => {
    const target = tree.workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`));
    return target === undefined || target === findWorkspace(tree, file.path)
      ? []
      : [{ specifier, room: target.folder }];
  });

const perFile =
  (look: (file: SourceFile, tree: Tree) => string[]): Check =>
  (tree) =>
    tree.files.flatMap((file) => look(file, tree).map((detail) => ({ path: file.path, detail })));

/** Every rule by name. */
export const RULES = {
  direction: perFile((file, tree) => {
    const row = DIRECTIONS.find(({ from }) => from.test(file.path));
    if (row === undefined) return [];
    return toRooms(tree, file)
      .filter(({ room }) => !row.may.test(room))
      .map(({ specifier }) => `imports ${specifier}: ${row.reason}`);
  }),
  "few libraries": perFile((file, tree) => {
    const row = FEW_LIBRARIES.find(({ from }) => from.test(file.path));
    if (row === undefined) return [];
    const isRoom = (specifier: string): boolean => tree.workspaces.some(({ name }) => specifier.startsWith(name));
    return listImports(file)
      .filter((specifier) => !specifier.startsWith(".") && !isRoom(specifier) && !row.may.test(specifier))
      .map((specifier) => `imports ${specifier}`);
  }),
  "declared rooms": perFile((file, tree) => {
    const own = findWorkspace(tree, file.path);
    const isDeclared = (name: string): boolean =>
      own !== undefined && (own.dependencies.has(name) || (isTest(file.path) && own.devDependencies.has(name)));
    return toRooms(tree, file)
      .filter(({ specifier }) => !isDeclared(specifier.split("/").slice(0, 2).join("/")))
      .map(({ specifier }) => `imports ${specifier}, which its package.json does not name`);
  }),
  "no import by path into another room": perFile((file, tree) => {
    const own = findWorkspace(tree, file.path);
    const inside = own?.folder ?? file.path.split("/")[0] ?? "";
    return listImports(file)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => resolveImport(file.path, specifier))
      .filter((target) => !target.startsWith(`${inside}/`) && CROSSINGS[file.path]?.to !== target)
      .filter(() => own !== undefined || !MAY_REACH_IN.includes(inside))
      .map((target) => `imports ${target} by path`);
  }),
  "license line": perFile(({ text }) => {
    const head = text.split("\n", SPDX_WITHIN_LINES);
    return head.some((line) => line.includes(SPDX)) ? [] : [`has no line with ${SPDX}`];
  }),
  "reason for length": perFile(({ text }) => {
    const lines = text.split("\n").length - 1;
    return lines <= LONGEST_FILE || text.includes("// Reason for length:") ? [] : [`has ${lines} lines`];
  }),
  "telling folder names": (tree) =>
    tree.folders
      .filter((folder) => VAGUE_FOLDERS.has(folder.split("/").at(-1) ?? ""))
      .map((path) => ({ path, detail: "says nothing of what is inside" })),
  "packages leave the process alone": perFile(({ path, text }) =>
    !path.startsWith("packages/") || isTest(path)
      ? []
      : NOT_IN_PACKAGES.filter((what) => text.includes(what) && MAY_IN_PACKAGES[path]?.what !== what).map(
          (what) => `says ${what}`,
        ),
  ),
  "pure rooms": perFile(({ path, text }) =>
    !PURE.test(path) || isTest(path)
      ? []
      : NOT_IN_PURE.flatMap((what) => what.exec(text) ?? []).map(
          (found) => `says ${found}: it decides by its arguments`,
        ),
  ),
} as const satisfies Record<string, Check>;

export type RuleName = keyof typeof RULES;

/** Every place in a tree where a rule is broken. */
export function findViolations(tree: Tree): Violation[] {
  return (Object.keys(RULES) as RuleName[]).flatMap((rule) => RULES[rule](tree).map((found) => ({ rule, ...found })));
}

/** Exceptions that no file needs any more, so that the tables stay true. */
export function listIdleExceptions(tree: Tree): string[] {
  const paths = new Set(tree.files.map(({ path }) => path));
  return [...Object.keys(CROSSINGS), ...Object.keys(MAY_IN_PACKAGES)].filter((path) => !paths.has(path));
}
