// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { suggestName } from "./suggest-name.ts";

const NAMES = ["executor.memory", "executor.cores", "driver.memory", "args", "jar", "security.profile"];

test("capitals, dots and dashes do not hide a name", () => {
  assert.equal(suggestName("executorMemory", NAMES), "executor.memory");
  assert.equal(suggestName("DRIVER-MEMORY", NAMES), "driver.memory");
});

test("one letter missing, added, changed or swapped is still the name", () => {
  const slips = fc
    .constantFrom(...NAMES.filter((name) => name.length > 3))
    .chain((name) => fc.tuple(fc.constant(name), fc.nat(name.length - 2), fc.constantFrom("drop", "add", "swap")));
  fc.assert(
    fc.property(slips, ([name, at, slip]) => {
      const rest = name.slice(at + 1);
      const typed = {
        drop: name.slice(0, at) + rest,
        add: `${name.slice(0, at)}q${name.slice(at)}`,
        swap: name.slice(0, at) + rest.slice(0, 1) + name[at] + rest.slice(1),
      }[slip];
      assert.equal(suggestName(typed ?? "", NAMES), name);
    }),
  );
});

test("nothing is suggested for a name far from all", () => {
  assert.equal(suggestName("zookeeperQuorum", NAMES), undefined);
  assert.equal(suggestName("", NAMES), undefined);
  assert.equal(suggestName("x".repeat(100_000), NAMES), undefined);
  assert.equal(suggestName("jar", []), undefined);
});
