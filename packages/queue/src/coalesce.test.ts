// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { coalesce } from "./coalesce.ts";

it("gives each caller its own result, in batches of at most so many, one at a time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer(), { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), async (items, most) => {
      let flying = 0;
      const double = coalesce(async (batch: readonly number[]) => {
        assert.ok(batch.length <= most);
        assert.equal(++flying, 1);
        await new Promise(setImmediate);
        flying--;
        return batch.map((item) => item * 2);
      }, most);
      const doubled = await Promise.all(items.map((item) => double(item)));
      assert.deepEqual(
        doubled,
        items.map((item) => item * 2),
      );
    }),
    { numRuns: 40 },
  );
});

it("sends what came while a batch was on its way as one", async () => {
  const batches: number[] = [];
  const [flying, landed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const send = coalesce(async (batch: readonly number[]) => {
    batches.push(batch.length);
    flying.resolve();
    await landed.promise;
    return batch;
  }, 100);
  const first = send(0);
  await flying.promise;
  const others = Array.from({ length: 20 }, (_, index) => send(index));
  landed.resolve();
  await Promise.all([first, ...others]);
  assert.deepEqual(batches, [1, 20]);
});

it("fails everyone in a batch that failed, and goes on", async () => {
  let fails = true;
  const send = coalesce(async (batch: readonly string[]) => {
    if (fails) throw new Error("away");
    return batch;
  }, 10);
  const failed = await Promise.allSettled([send("a"), send("b")]);
  assert.deepEqual(
    failed.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  fails = false;
  assert.equal(await send("c"), "c");
});
