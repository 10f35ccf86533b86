// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Priority } from "./engine.ts";
import { createLine, type Waiting } from "./waiting.ts";

const ORDER: readonly Priority[] = ["high", "normal", "low"];

const waiting = (arrivedAt: number, priority?: Priority): Waiting => ({
  ...{ inputs: [], rows: 1, key: "", arrivedAt, options: priority === undefined ? {} : { priority } },
  ...{ resolve: () => {}, reject: () => {} },
});

test("the most urgent is taken first, those of one priority as they came", () => {
  const priority = fc.constantFrom(...ORDER, undefined);
  fc.assert(
    fc.property(fc.array(priority, { maxLength: 50 }), fc.integer({ min: 1, max: 8 }), (priorities, rows) => {
      const line = createLine();
      for (const [at, one] of priorities.entries()) line.add(waiting(at, one));
      assert.equal(line.firstArrival(), priorities.length === 0 ? undefined : 0);
      const taken: Waiting[] = [];
      while (line.length > 0) taken.push(...line.take(rows));
      const rank = (one: Priority | undefined): number => ORDER.indexOf(one ?? "normal");
      const wanted = [...priorities.keys()].toSorted((a, b) => rank(priorities[a]) - rank(priorities[b]));
      assert.deepEqual(
        taken.map(({ arrivedAt }) => arrivedAt),
        wanted,
      );
    }),
  );
});
