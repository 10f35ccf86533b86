// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { executorDefaults, sparkJavaOptions, splitOptions } from "./java-options.ts";

test("options are split as Spark splits them", () => {
  const table: [string, string[]][] = [
    ["", []],
    ["  ", []],
    ["-Xmx1g", ["-Xmx1g"]],
    [" -Da=1\t-Db=2\n-Dc=3 ", ["-Da=1", "-Db=2", "-Dc=3"]],
    ['-Da="x y" -Db=1', ["-Da=x y", "-Db=1"]],
    ["-Da='x y'", ["-Da=x y"]],
    [String.raw`-Da=x\ y`, ["-Da=x y"]],
    [String.raw`"-Da=say \"hi\""`, ['-Da=say "hi"']],
    [String.raw`'-Da=back\slash'`, [String.raw`-Da=back\slash`]],
    [String.raw`"-Da=one\\two"`, [String.raw`-Da=one\two`]],
    ['-Da=""', ["-Da="]],
  ];
  for (const [written, options] of table) assert.deepEqual(splitOptions(written), options, written);
});

test("options that were quoted come back as they were", () => {
  const option = fc.string({ minLength: 1, unit: "grapheme-ascii" });
  const quotings = [
    (text: string) => `"${text.replace(/[\\"]/g, "\\$&")}"`,
    (text: string) => text.replace(/[\s\\"']/g, "\\$&"),
  ];
  fc.assert(
    fc.property(fc.array(fc.tuple(option, fc.constantFrom(...quotings)), { maxLength: 5 }), (options) => {
      const written = options.map(([text, quote]) => quote(text)).join(" ");
      assert.deepEqual(
        splitOptions(written),
        options.map(([text]) => text),
      );
    }),
    { numRuns: 500 },
  );
});

test("no JVM dumps its memory or lets others attach, and every Java gets only what it knows", () => {
  for (const major of [17, 21, 23, 25]) {
    const options = sparkJavaOptions(major);
    assert.ok(options.includes("-XX:-HeapDumpOnOutOfMemoryError"));
    assert.ok(options.includes("-XX:+DisableAttachMechanism"));
    assert.equal(options.includes("--sun-misc-unsafe-memory-access=allow"), major >= 23);
    assert.ok(options.every((option) => option.startsWith("-")));
  }
});

test("executors get our collector unless the job chose one", () => {
  const table: [string[], boolean][] = [
    [[], true],
    [["-Xss2m", "-XX:+UseStringDeduplication", "-XX:+UseCompressedOops"], true],
    [["-XX:+UseG1GC"], false],
    [["-Xss2m", "-XX:+UseZGC"], false],
    [["-XX:-UseG1GC"], true],
  ];
  for (const [options, ours] of table) assert.equal(executorDefaults(options).length > 0, ours, options.join(" "));
});
