// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { findViolations, listIdleExceptions, RULES, type RuleName } from "./architecture/rules.ts";
import { listImports, readTree } from "./architecture/tree.ts";

const ROOT = join(import.meta.dirname, "..");
const LICENSE = "// SPDX-License-Identifier: Apache-2.0\n";

test("the tree keeps every rule", () => {
  const tree = readTree(ROOT);
  assert.ok(tree.files.length > 100, "the tree was not read");
  assert.ok(tree.workspaces.length > 3, "the workspaces were not read");
  assert.deepEqual(findViolations(tree), []);
  assert.deepEqual(listIdleExceptions(tree), []);
});

const manifest = (name: string, dependencies: Record<string, string> = {}, devDependencies = {}): string =>
  JSON.stringify({ name: `@bulwark/${name}`, dependencies, devDependencies });

/** A small tree that keeps every rule. */
const SOUND: Readonly<Record<string, string>> = {
  "versions.json": "{}",
  "cli/package.json": manifest("cli", { "@bulwark/spark": "1" }),
  "cli/src/a.ts": `${LICENSE}import { a } from "@bulwark/spark";\nexport { a };\n`,
  "cli/src/versions.ts": `${LICENSE}import pins from "../../versions.json" with { type: "json" };\nexport { pins };\n`,
  "services/broker/package.json": manifest("broker", { "@bulwark/attestation": "1" }, { "@bulwark/simulation": "1" }),
  "services/broker/src/a.ts": `${LICENSE}import "@bulwark/attestation";\n`,
  "services/broker/src/a.test.ts": `${LICENSE}import "@bulwark/simulation";\n`,
  "packages/contracts/package.json": manifest("contracts"),
  "packages/contracts/src/a.ts": `${LICENSE}import { b } from "./b.ts";\nexport { b };\n`,
  "packages/contracts/src/b.ts": `${LICENSE}export const b = 1;\n`,
  "packages/spark/package.json": manifest("spark", { "@bulwark/contracts": "1" }),
  "packages/spark/src/a.ts": `${LICENSE}import type {\n  A,\n} from "@bulwark/contracts/errors";\nexport const a = 1;\n`,
  "packages/attestation/package.json": manifest("attestation", { "@bulwark/contracts": "1" }),
  "packages/attestation/src/a.ts": `${LICENSE}import { verify } from "node:crypto";\nexport { verify };\n`,
  "packages/simulation/package.json": manifest(
    "simulation",
    { "@bulwark/contracts": "1" },
    { "@bulwark/attestation": "1" },
  ),
  "packages/simulation/src/a.ts": `${LICENSE}import "@bulwark/contracts";\n`,
  "packages/simulation/src/a.test.ts": `${LICENSE}import "@bulwark/attestation";\n`,
  "packages/collateral/package.json": manifest("collateral", { "@bulwark/attestation": "1" }),
  "packages/collateral/src/a.ts": `${LICENSE}import "@bulwark/attestation";\n`,
  "test/e2e/a.test.ts": `${LICENSE}import "../../cli/src/a.ts";\n`,
};

/** What is planted into the sound tree, and the rule that must speak. */
const PLANTED: readonly { name: string; path: string; text: string; rule: RuleName }[] = [
  {
    name: "contracts import a package",
    path: "packages/contracts/src/c.ts",
    text: 'import "@bulwark/spark";',
    rule: "direction",
  },
  {
    name: "a package imports another",
    path: "packages/spark/src/c.ts",
    text: 'export * from "@bulwark/attestation";',
    rule: "direction",
  },
  {
    name: "a package imports the tool",
    path: "packages/spark/src/c.ts",
    text: 'import type { A } from "@bulwark/cli";',
    rule: "direction",
  },
  {
    name: "a package imports lazily",
    path: "packages/spark/src/c.ts",
    text: `const c = import${"("}"@bulwark/cli");`,
    rule: "direction",
  },
  {
    name: "a service imports the tool",
    path: "services/broker/src/c.ts",
    text: 'import "@bulwark/cli";',
    rule: "direction",
  },
  { name: "the tool imports a service", path: "cli/src/c.ts", text: 'import "@bulwark/broker";', rule: "direction" },
  {
    name: "a service simulates",
    path: "services/broker/src/c.ts",
    text: 'import "@bulwark/simulation";',
    rule: "direction",
  },
  {
    name: "the tool simulates in earnest",
    path: "cli/src/c.ts",
    text: 'import "@bulwark/simulation";',
    rule: "direction",
  },
  {
    name: "the verifying commands simulate",
    path: "cli/src/commands/attest/verify.ts",
    text: 'import "@bulwark/simulation";',
    rule: "direction",
  },
  {
    name: "the simulation judges itself",
    path: "packages/simulation/src/c.ts",
    text: 'import "@bulwark/attestation";',
    rule: "direction",
  },
  {
    name: "collateral simulates",
    path: "packages/collateral/src/c.ts",
    text: 'import "@bulwark/simulation";',
    rule: "direction",
  },
  {
    name: "a library in attestation",
    path: "packages/attestation/src/c.ts",
    text: 'import "yaml";',
    rule: "few libraries",
  },
  {
    name: "files in attestation",
    path: "packages/attestation/src/c.ts",
    text: 'import "node:fs";',
    rule: "few libraries",
  },
  { name: "an undeclared room", path: "cli/src/c.ts", text: 'import "@bulwark/contracts";', rule: "declared rooms" },
  {
    name: "a room declared for tests alone",
    path: "services/broker/src/c.ts",
    text: 'import "@bulwark/simulation/x";',
    rule: "declared rooms",
  },
  {
    name: "a room imported by name from a script",
    path: "scripts/c.ts",
    text: 'import "@bulwark/cli";',
    rule: "declared rooms",
  },
  {
    name: "a path into another room",
    path: "cli/src/c.ts",
    text: 'import "../../packages/spark/src/a.ts";',
    rule: "no import by path into another room",
  },
  {
    name: "a path out of a room",
    path: "packages/spark/src/c.ts",
    text: 'import "../../../versions.json";',
    rule: "no import by path into another room",
  },
  {
    name: "a path out of a folder nobody knows",
    path: "misc/c.ts",
    text: 'import "../cli/src/a.ts";',
    rule: "no import by path into another room",
  },
  { name: "a vague folder", path: "cli/src/utils/c.ts", text: "export const c = 1;", rule: "telling folder names" },
  {
    name: "the environment in a package",
    path: "packages/spark/src/c.ts",
    text: "export const c = process.env.C;",
    rule: "packages leave the process alone",
  },
  {
    name: "a process from a package",
    path: "packages/spark/src/c.ts",
    text: 'import "node:child_process";',
    rule: "packages leave the process alone",
  },
  {
    name: "printing in a package",
    path: "packages/spark/src/c.ts",
    text: "console.log(1);",
    rule: "packages leave the process alone",
  },
  ...[
    "Date.now()",
    "new Date()",
    "performance.now()",
    "process.getuid()",
    "globalThis.process",
    'fetch("x")',
    "setTimeout(f)",
    "Math.random()",
    "randomBytes(1)",
    `import${"("}x)`,
    'require("x")',
  ].map((what) => ({
    name: `${what} in attestation`,
    path: "packages/attestation/src/c.ts",
    text: `export const c = ${what};`,
    rule: "pure rooms" as const,
  })),
  { name: "a long file", path: "cli/src/c.ts", text: "\n".repeat(401), rule: "reason for length" },
];

function findPlanted(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "bulwark-architecture-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return findViolations(readTree(root));
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("a tree that keeps every rule has no violation", () => {
  assert.deepEqual(findPlanted(SOUND), []);
});

for (const { name, path, text, rule } of PLANTED) {
  test(`a rule speaks of ${name}`, () => {
    const found = findPlanted({ ...SOUND, [path]: `${LICENSE}${text}\n` });
    assert.ok(
      found.some(
        (violation) => violation.rule === rule && (violation.path === path || path.startsWith(`${violation.path}/`)),
      ),
      JSON.stringify(found),
    );
  });
}

for (const path of ["cli/src/c.ts", "scripts/c.mjs", "jvm/C.java", "examples/c.py", "cli/c.sh"]) {
  test(`a rule speaks of ${path} without a license line`, () => {
    assert.deepEqual(
      findPlanted({ ...SOUND, [path]: "\n" }).map((violation) => [violation.rule, violation.path]),
      [["license line", path]],
    );
  });
}

test("a long file with a reason, and what stands in other people's folders, pass", () => {
  const files = {
    "cli/src/c.ts": `${LICENSE}// Reason for length: one table\n${"\n".repeat(401)}`,
    "cli/node_modules/utils/c.ts": "",
    "jvm/target/C.java": "",
  };
  assert.deepEqual(findPlanted({ ...SOUND, ...files }), []);
});

test("every rule was shown to speak", () => {
  const shown = new Set<string>([...PLANTED.map(({ rule }) => rule), "license line"]);
  assert.deepEqual(
    Object.keys(RULES).filter((rule) => !shown.has(rule)),
    [],
  );
});

test("imports are found however they are written", () => {
  const text = [
    'import "a";',
    'import b, { type B } from "b";',
    'import type {\n  C,\n} from "c";',
    'export * from "d";',
    'export { e } from "e";',
    `const f = await import${"("}"f");`,
    `type G = import${"("}"g").G;`,
    '// import "commented";',
    "const text = 'import \"quoted\"';",
  ].join("\n");
  assert.deepEqual(listImports({ path: "x.ts", text }).sort(), ["a", "b", "c", "d", "e", "f", "g"]);
});
