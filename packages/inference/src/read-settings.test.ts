// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { findSettingsFaults, resolveSettings } from "./read-settings.ts";
import { chooseVersions, DEFAULT_SETTINGS } from "./settings.ts";

test("a model's settings go before those for all, key by key", () => {
  const settings = { "*": { threads: 2, batch: { maxRows: 4 } }, m: { batch: { windowMs: 3 } } } as never;
  const { threads, batch } = resolveSettings(settings, "m");
  assert.deepEqual([threads, batch], [2, { maxRows: 4, windowMs: 3 }]);
  assert.deepEqual(resolveSettings({}, "m"), DEFAULT_SETTINGS);
});

test("every fault is named", () => {
  assert.deepEqual(findSettingsFaults({ "*": DEFAULT_SETTINGS }), []);
  const wrong = {
    a: { theads: 1, threads: 0, batch: { maxRows: 0 }, nonFinite: "maybe", labels: { stable: 1 } },
    b: { versions: { kind: "latest" }, runLimitMs: "1", batch: { rows: 1 } },
    c: 1,
  };
  assert.equal(findSettingsFaults(wrong).length, 9);
  assert.equal(findSettingsFaults([]).length, 1);
});

test("versions are chosen by number, not by text", () => {
  const found = ["9", "10", "1"];
  assert.deepEqual(chooseVersions({ kind: "latest", count: 2 }, found), ["10", "9"]);
  assert.deepEqual(chooseVersions({ kind: "specific", versions: ["1", "7"] }, found), ["1"]);
  assert.deepEqual(chooseVersions({ kind: "all" }, found), ["10", "9", "1"]);
});
