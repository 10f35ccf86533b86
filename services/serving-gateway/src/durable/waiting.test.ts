// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createWaiting } from "./waiting.ts";

const never = (): boolean => false;

test("each asker gets his own answer, and the first alone", async () => {
  const waiting = createWaiting<string>(() => 0);
  const [first, second] = [1, 2].map(() => waiting.open({ deadline: 1, isGone: never }));
  second?.give("b");
  for (const answer of ["a", "c"]) first?.give(answer);
  assert.deepEqual(await Promise.all([first?.ended, second?.ended]), ["a", "b"]);
});

test("an asker is told that its time is over, or its caller gone, whatever comes first; others wait on", async () => {
  let at = 0;
  let isGone = false;
  const waiting = createWaiting<string>(() => at);
  const late = waiting.open({ deadline: 10, isGone: never });
  const gone = waiting.open({ deadline: 20, isGone: () => isGone });
  const other = waiting.open({ deadline: 30, isGone: never });
  at = 10;
  assert.equal(await late.ended, "late");
  isGone = true;
  assert.equal(await gone.ended, "gone");
  assert.deepEqual(
    [late, gone, other].map((seat) => seat.isOver()),
    [true, true, false],
  );
  other.give("a");
  assert.equal(await other.ended, "a");
});

test("an answer that comes after its time is none, though nobody has looked since", async () => {
  let at = 0;
  const waiting = createWaiting<string>(() => at);
  const { ended, give } = waiting.open({ deadline: 1, isGone: never });
  at = 1;
  give("a");
  assert.equal(await ended, "late");
});

test("an asker that failed waits no longer", async () => {
  const waiting = createWaiting<string>(() => 0);
  const { ended, fail, isOver } = waiting.open({ deadline: 1, isGone: never });
  fail(new Error("no room"));
  assert.equal(isOver(), true);
  await assert.rejects(ended, { message: "no room" });
});
