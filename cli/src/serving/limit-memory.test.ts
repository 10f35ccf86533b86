// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { limitMemory } from "./limit-memory.ts";

test("a program gets its memory and no more, and its arguments as they are", () => {
  const program = { command: process.execPath, args: ["-e", "console.log(process.argv[1])", "a b'c"] };
  const run = (bytes: number, { command, args } = program) => {
    const limited = limitMemory({ command, args }, bytes);
    return spawnSync(limited.command, limited.args, { encoding: "utf8" });
  };
  assert.deepEqual([run(0).stdout, run(2 ** 28).stdout], ["a b'c\n", "a b'c\n"]);
  const take = { ...program, args: ["-e", "Buffer.alloc(4 * 2 ** 30)"] };
  const failed = run(2 ** 28, take);
  assert.notEqual(failed.status, 0);
  assert.match(failed.stderr, /allocation failed/);
});
