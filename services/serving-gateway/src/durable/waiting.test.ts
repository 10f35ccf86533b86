// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "@bulwark/queue";
import { createWaiting } from "./waiting.ts";

const never = (): boolean => false;
const answerTo = (uri: string): Answer => ({ uri, value: Buffer.from(uri) });

test("each asker gets his own answer, once, and answers that nobody waits for are nobody's", async () => {
  const waiting = createWaiting(() => 0);
  const [first, second] = ["a", "b"].map((uri) => waiting.open(uri, { deadline: 1, isGone: never }));
  for (const uri of ["b", "a", "a", "unknown"]) waiting.answer(answerTo(uri));
  assert.deepEqual(await Promise.all([first?.ended, second?.ended]), [answerTo("a"), answerTo("b")]);
});

test("an asker is told that its time is over, or its caller gone, whatever comes first; others wait on", async () => {
  let at = 0;
  let isGone = false;
  const waiting = createWaiting(() => at);
  const late = waiting.open("late", { deadline: 10, isGone: never });
  const gone = waiting.open("gone", { deadline: 20, isGone: () => isGone });
  const other = waiting.open("other", { deadline: 30, isGone: never });
  at = 10;
  assert.equal(await late.ended, "late");
  isGone = true;
  assert.equal(await gone.ended, "gone");
  // Too late for the first.
  for (const uri of ["late", "other"]) waiting.answer(answerTo(uri));
  assert.deepEqual(await other.ended, answerTo("other"));
});

test("an answer that comes after its time is none, though nobody has looked since", async () => {
  let at = 0;
  const waiting = createWaiting(() => at);
  const { ended } = waiting.open("a", { deadline: 1, isGone: never });
  at = 1;
  waiting.answer(answerTo("a"));
  assert.equal(await ended, "late");
});

test("an asker that failed waits no longer", async () => {
  const waiting = createWaiting(() => 0);
  const { ended, fail } = waiting.open("a", { deadline: 1, isGone: never });
  fail(new Error("no room"));
  await assert.rejects(ended, { message: "no room" });
});
