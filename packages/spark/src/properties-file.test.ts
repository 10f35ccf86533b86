// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatProperties, parseProperties } from "./properties-file.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.stringMatching(/^[ \\:=#!\n\r\t\f\0a-z\u0085\u2028é𝒳]{0,20}$/u),
  // Halves of a surrogate pair are text of Java, too.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
);
const settings = fc.dictionary(text, text, { maxKeys: 6 });

test("settings come back as they were written, whatever they hold", () => {
  fc.assert(
    fc.property(settings, (properties) => {
      assert.deepEqual({ ...parseProperties(formatProperties(properties)) }, { ...properties });
    }),
    { numRuns: 1000 },
  );
});

test("a setting is one line that Java reads as one setting", () => {
  // java.util.Properties: an unescaped blank, `=` or `:` ends the key; `#` and `!` begin a comment; `\` at the end continues.
  const line = /^(?:[^\s=:#!\\]|\\u[0-9a-f]{4})*=(?:[^\s=:#!\\]|\\u[0-9a-f]{4})*$/;
  fc.assert(
    fc.property(settings, (properties) => {
      const lines = formatProperties(properties).split("\n").slice(0, -1);
      assert.equal(lines.length, Object.keys(properties).length);
      for (const each of lines) {
        assert.match(each, line);
        assert.match(each, /^[\u0021-\u007e]*$/);
      }
    }),
    { numRuns: 1000 },
  );
});
