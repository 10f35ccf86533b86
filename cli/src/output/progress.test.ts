// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { captureStream } from "../testing/context.ts";
import { createProgress } from "./progress.ts";

const CLEAR = "\r\u001b[2K";

function watch({ isTTY = false, quiet = false, debug = false, columns = 80 } = {}) {
  const stream = captureStream({ isTTY, columns });
  return { stream, progress: createProgress({ stream, paint: (_format, text) => text, quiet, debug }) };
}

test("without a terminal a step is one plain line when it is done, and no more", () => {
  const { stream, progress } = watch();
  const step = progress.step("making keys");
  step.update("half");
  assert.equal(stream.text(), "");
  step.done();
  step.done();
  assert.match(stream.text(), /^making keys .*\d+\.\d s\n$/);
  assert.ok(!stream.text().includes("\u001b"));
});

test("a detail stands with the step that is done", () => {
  const { stream, progress } = watch();
  progress.step("stage 1").done("20 tasks");
  assert.match(stream.text(), /^stage 1 .*20 tasks.*\d+\.\d s\n$/);
});

test("on a terminal the newest open step is drawn live, in one line, and cleared", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const { stream, progress } = watch({ isTTY: true, columns: 30 });
    const outer = progress.step("outer");
    const inner = progress.step(`inner ${"x".repeat(100)}`);
    inner.update("1 of\n2");
    mock.timers.tick(1000);
    const live = stream.text().split(CLEAR).slice(1);
    assert.ok(live.length > 5);
    for (const line of live) {
      assert.ok([...line].length < 30, "the live line must not wrap");
      assert.ok(!line.includes("\n"));
    }
    inner.done();
    outer.done();
    const before = stream.text();
    mock.timers.tick(1000);
    assert.equal(stream.text(), before, "nothing is drawn when nothing is open");
    assert.ok(stream.text().endsWith("\n") || stream.text().endsWith(CLEAR));
  } finally {
    mock.timers.reset();
  }
});

test("what something else writes has no live line in its way", () => {
  const { stream, progress } = watch({ isTTY: true });
  progress.step("running");
  progress.aside(() => stream.write("output of the job\n"));
  assert.ok(stream.text().endsWith(`${CLEAR}output of the job\n`));
  progress.close();
});

test("without a terminal nothing stands between", () => {
  const { stream, progress } = watch();
  progress.step("running");
  progress.aside(() => stream.write("output of the job\n"));
  assert.equal(stream.text(), "output of the job\n");
});

test("close takes the live line away for good", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const { stream, progress } = watch({ isTTY: true });
    progress.step("running");
    progress.close();
    const closed = stream.text();
    assert.ok(closed.endsWith(CLEAR));
    mock.timers.tick(1000);
    assert.equal(stream.text(), closed);
  } finally {
    mock.timers.reset();
  }
});

test("quiet leaves warnings alone; debug adds what it says", () => {
  const say = (options: object): string => {
    const { stream, progress } = watch(options);
    progress.step("step").done();
    progress.note("note");
    progress.debug("debug");
    progress.warn("warn");
    return stream.text().replace(/[\d.]+ s/, "");
  };
  assert.match(say({ quiet: true }), /^warning: warn\n$/);
  assert.match(say({ quiet: true, isTTY: true }), /^warning: warn\n$/);
  assert.match(say({}), /note/);
  assert.doesNotMatch(say({}), /debug/);
  assert.match(say({ debug: true }), /debug/);
});

test("no control character of a step or a note reaches the terminal", () => {
  const { stream, progress } = watch();
  progress.step("\u001b[31mstep").done("\u001b[0m");
  progress.note("\u001b[2J");
  progress.warn("\u0007");
  assert.ok(!stream.text().includes("\u001b"));
  assert.ok(!stream.text().includes("\u0007"));
});
