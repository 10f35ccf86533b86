// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPaint, showControls, showOneLine } from "./terminal.ts";

const ESCAPE = "\u001b";

test("colour only where a terminal wants it", () => {
  const paints = (isTTY: boolean, env: Record<string, string>, wanted: boolean): boolean =>
    createPaint({ isTTY }, env, wanted)("red", "x").includes(ESCAPE);
  assert.equal(paints(true, {}, true), true);
  assert.equal(paints(true, { TERM: "xterm-256color", NO_COLOR: "" }, true), true);
  const without: readonly [boolean, Record<string, string>, boolean][] = [
    [false, {}, true],
    [true, { NO_COLOR: "1" }, true],
    [true, { TERM: "dumb" }, true],
    [true, {}, false],
  ];
  for (const [isTTY, env, wanted] of without) assert.equal(paints(isTTY, env, wanted), false, JSON.stringify(env));
});

test("control characters are made visible; text is left as it is", () => {
  assert.equal(showControls(`${ESCAPE}[31mred\u0007`), "\\x1b[31mred\\x07");
  assert.equal(showControls("one\r\ntwo\tthree"), "one\\x0d\ntwo\tthree");
  assert.equal(showControls("\u009b2J\u202eabc\u2066"), "\\x9b2J\\u202eabc\\u2066");
  assert.equal(showControls("Grüße, 世界 𝒳"), "Grüße, 世界 𝒳");
});

test("what must stay in one line does", () => {
  assert.equal(showOneLine("one\ntwo\tthree\u2028four"), "one\\x0atwo\\x09three\\u2028four");
});
