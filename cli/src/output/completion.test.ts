// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { COMMANDS } from "../commands/index.ts";
import { readTree, type TreeNode } from "../frame/tree.ts";
import { createTestFolder } from "../testing/context.ts";
import { SHELLS, type Shell } from "./completion.ts";

let tree: TreeNode[];
let folder: string;

before(async () => {
  tree = await readTree(COMMANDS);
  folder = createTestFolder();
  writeFileSync(join(folder, "bulwark"), "#!/bin/sh\n[ \"$*\" = 'list -o name --quiet' ] && echo pi-1 etl-2\n");
  chmodSync(join(folder, "bulwark"), 0o700);
});

/** Runs a script in a shell whose `bulwark` knows two runs. */
function runShell(shell: Shell, args: readonly string[], script: string) {
  const PATH = `${folder}:${process.env.PATH}`;
  return spawnSync(shell, args, { input: script, encoding: "utf8", env: { PATH, HOME: folder } });
}

/** What bash offers for the last word. */
function completeInBash(...typed: string[]): string[] {
  const words = typed.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(bulwark ${words}); COMP_CWORD=${typed.length}; compopt() { :; }; _bulwark; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = runShell("bash", ["--norc"], `${SHELLS.bash(tree)}\n${ask}\n`);
  assert.equal(stderr, "");
  return stdout.trim().split(" ");
}

test("bash completes commands, subcommands, flags, choices and runs", () => {
  assert.deepEqual(completeInBash(""), Object.keys(COMMANDS));
  assert.deepEqual(completeInBash("ke"), ["keys"]);
  assert.deepEqual(completeInBash("keys", "r"), ["rotate"]);
  assert.deepEqual(completeInBash("-o", "json", "keys", "r"), ["rotate"]);
  assert.deepEqual(completeInBash("keys", "init", "--if"), ["--if-missing"]);
  assert.deepEqual(completeInBash("list", "-o", "j"), ["json"]);
  assert.deepEqual(completeInBash("config", "get", "ke"), ["keysDir"]);
  assert.deepEqual(completeInBash("help", "ke"), ["keys"]);
  assert.deepEqual(completeInBash("status", ""), ["pi-1", "etl-2"]);
  assert.deepEqual(completeInBash("stop", "e"), ["etl-2"]);
});

test("after -- nothing of ours is offered", () => {
  assert.deepEqual(completeInBash("run", "app.py", "--", "--out"), [""]);
});

for (const shell of Object.keys(SHELLS) as Shell[]) {
  test(`${shell} takes its script`, (context) => {
    if (runShell(shell, ["-c", "true"], "").error !== undefined) return context.skip(`there is no ${shell} here`);
    const file = join(folder, `completion.${shell}`);
    writeFileSync(file, SHELLS[shell](tree));
    const { status, stderr } = runShell(shell, ["-n", file], "");
    assert.deepEqual([status, stderr], [0, ""]);
  });

  test(`the script for ${shell} names every command and flag`, () => {
    const script = SHELLS[shell](tree);
    for (const { path, flags } of tree) {
      assert.ok(script.includes(path.join(" ")), path.join(" "));
      for (const { long } of flags) assert.ok(script.includes(shell === "fish" ? `-l ${long.slice(2)}` : long), long);
    }
  });
}
