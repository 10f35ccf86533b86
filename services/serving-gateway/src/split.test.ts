// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSplit, findWeightFaults } from "./split.ts";

const all = { isReady: () => true };
const count = (versions: readonly (string | undefined)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const version of versions) counts[version ?? "none"] = (counts[version ?? "none"] ?? 0) + 1;
  return counts;
};

test("every round of requests has exactly the shares, wherever it begins", () => {
  const shares = fc.dictionary(fc.stringMatching(/^[1-9]$/), fc.integer({ min: 0, max: 12 }), { minKeys: 1 });
  fc.assert(
    fc.property(shares, fc.nat(40), (weights, before) => {
      const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
      fc.pre(total > 0);
      const split = createSplit({ m: weights }, all);
      for (let at = 0; at < before; at++) split("m");
      const counts = count(Array.from({ length: total }, () => split("m")));
      assert.deepEqual(counts, Object.fromEntries(Object.entries(weights).filter(([, weight]) => weight > 0)));
    }),
  );
});

test("a small share is spread, not served at the end of the round", () => {
  const split = createSplit({ m: { "1": 90, "2": 10 } }, all);
  const places = Array.from({ length: 100 }, () => split("m")).flatMap((version, at) => (version === "2" ? [at] : []));
  assert.equal(places.length, 10);
  for (const [at, place] of places.entries()) assert.equal(Math.floor(place / 10), at);
});

test("the share of a version that is not ready falls to the others, and comes back with it", () => {
  const ready = new Set(["1"]);
  const engine = {
    isReady(_model?: string, version?: string): boolean {
      if (version === "3") throw new Error("unknown");
      return ready.has(version ?? "");
    },
  };
  const split = createSplit({ m: { "1": 50, "2": 40, "3": 10 } }, engine);
  assert.deepEqual(count(Array.from({ length: 50 }, () => split("m"))), { "1": 50 });
  ready.add("2");
  assert.deepEqual(count(Array.from({ length: 90 }, () => split("m"))), { "1": 50, "2": 40 });
  ready.clear();
  assert.equal(split("m"), undefined);
  assert.equal(split("other"), undefined);
});

test("shares that cannot be are named", () => {
  assert.deepEqual(findWeightFaults({ m: { "1": 90, "2": 10 }, n: { "1": 0, "2": 1 } }), []);
  for (const shares of [{}, { "1": 0 }, { "1": 0, "2": 0 }]) {
    assert.equal(findWeightFaults({ m: shares }).length, 1, JSON.stringify(shares));
  }
});
