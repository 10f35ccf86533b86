// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPending } from "./pending.ts";

const name = fc.constantFrom("a", "b", "0", "__proto__", "constructor");
const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), name, value: fc.integer() }),
  fc.record({ kind: fc.constant("delete" as const), name, value: fc.constant(0) }),
);

test("it holds what a Map would, whatever the names", () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const pending = createPending<number>();
      const wanted = new Map<string, number>();
      for (const { kind, name: at, value } of steps) {
        pending[kind](at, value);
        wanted[kind](at, value);
        assert.equal(pending.size(), wanted.size);
        assert.equal(pending.get(at), wanted.get(at));
      }
      assert.deepEqual(pending.list().sort(), [...wanted.values()].sort());
    }),
  );
});
