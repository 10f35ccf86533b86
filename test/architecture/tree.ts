// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** One source file: path from the root with `/`, and its text. */
export type SourceFile = { path: string; text: string };

/** A workspace of npm: its folder, its name, and what it says it depends on. */
export type Workspace = {
  folder: string;
  name: string;
  dependencies: ReadonlySet<string>;
  devDependencies: ReadonlySet<string>;
};

/** All that the rules look at. */
export type Tree = { folders: readonly string[]; files: readonly SourceFile[]; workspaces: readonly Workspace[] };

/** What is made, fetched or kept by other programs. */
const NOT_OURS = new Set(["node_modules", ".git", "target", "dist", "generated", "__pycache__", ".bulwark", ".mvn"]);
const SOURCE = /\.(ts|mjs|js|java|py|sh)$/;

/** Reads every source file below a root. */
export function readTree(root: string): Tree {
  const folders: string[] = [];
  const files: SourceFile[] = [];
  const workspaces: Workspace[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory() && !NOT_OURS.has(entry.name)) {
        folders.push(path);
        walk(path);
      } else if (entry.isFile() && SOURCE.test(entry.name)) {
        files.push({ path, text: readFileSync(join(root, path), "utf8") });
      } else if (entry.isFile() && entry.name === "package.json" && folder !== "") {
        workspaces.push(readWorkspace(root, folder));
      }
    }
  };
  walk("");
  return { folders, files, workspaces };
}

function readWorkspace(root: string, folder: string): Workspace {
  const {
    name,
    dependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
    name: string;
    dependencies?: object;
    devDependencies?: object;
  };
  return {
    folder,
    name,
    dependencies: new Set(Object.keys(dependencies)),
    devDependencies: new Set(Object.keys(devDependencies)),
  };
}

/** Import and export statements at the beginning of a line, and `import("...")` anywhere. */
const IMPORTS = [
  /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s+["']([^"']+)["']/gm,
  /^\s*import\s+["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']\s*[,)]/g,
];

/** What a file imports, as it is written there. */
export function listImports({ path, text }: SourceFile): string[] {
  if (!/\.(ts|mjs|js)$/.test(path)) return [];
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, specifier = ""]) => specifier));
}

/** The path from the root that a relative import leads to. */
export function resolveImport(path: string, specifier: string): string {
  return posix.join(dirname(path), specifier);
}

/** The workspace that a path lies in. */
export function findWorkspace(tree: Tree, path: string): Workspace | undefined {
  return tree.workspaces.find(({ folder }) => path.startsWith(`${folder}/`));
}

export function isTest(path: string): boolean {
  return /\.test\.ts$|\/testing\/|(^|\/)test-[\w-]+\.ts$/.test(path);
}
