// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import { makeZip } from "../testing/zip.ts";
import { hasJarEntry } from "./jar-entries.ts";

const folder = createTestFolder();

function writeJar(name: string, content: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("an entry is found by its whole name, and no other is", async () => {
  const jar = writeJar("a.jar", makeZip(["META-INF/MANIFEST.MF", "com/example/Main.class", "com/example/Ünï.class"]));
  assert.equal(await hasJarEntry(jar, "com/example/Main.class"), true);
  assert.equal(await hasJarEntry(jar, "com/example/Ünï.class"), true);
  for (const absent of ["Main.class", "com/example/Main", "com/example/Main.class/", ""]) {
    assert.equal(await hasJarEntry(jar, absent), false, absent);
  }
});

test("a comment after the directory, and what stands before the archive, do not hide it", async () => {
  const comment = Buffer.from(`a comment with the signature of an end in it: PK\x05\x06 ${"x".repeat(3000)}`, "latin1");
  const jar = writeJar("comment.jar", makeZip(["A.class"], { comment }));
  assert.equal(await hasJarEntry(jar, "A.class"), true);
});

test("a file that is no jar, an empty one and a cut one have no entry", async () => {
  const whole = makeZip(["A.class", "B.class"]);
  const files: readonly [string, Buffer][] = [
    ["empty.jar", Buffer.alloc(0)],
    ["text.jar", Buffer.from("not a jar at all, but longer than the end of a directory")],
    ["cut.jar", whole.subarray(0, whole.length - 10)],
    ["wild.jar", Buffer.concat([whole.subarray(0, whole.length - 10), Buffer.alloc(10, 0xff)])],
  ];
  for (const [name, content] of files) assert.equal(await hasJarEntry(writeJar(name, content), "A.class"), false, name);
});
