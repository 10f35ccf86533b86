// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import { nameInstance } from "./instance.ts";

const root = createTestFolder();

test("engines of two folders have different names, those of one folder the same after every start", async () => {
  const folders = ["one", "other"].map((name) => join(root, name));
  for (const folder of folders) mkdirSync(folder);
  const [one, other] = await Promise.all(folders.map(nameInstance));
  assert.notEqual(one, other);
  assert.ok(one?.startsWith(`${hostname()}-`));
  assert.equal(await nameInstance(join(root, "one")), one);
});

test("what is no such word is replaced", async () => {
  writeFileSync(join(root, "instance"), "a b\n");
  assert.match(await nameInstance(root), /-[0-9a-f]{8}$/);
});
