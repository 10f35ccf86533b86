// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../commands/index.ts";
import { renderOverview } from "./overview.ts";

test("the first page names every command once, below its group, and loads none", () => {
  const table = Object.fromEntries(
    Object.entries(COMMANDS).map(([name, entry]) => [name, { ...entry, load: () => assert.fail("loaded") }]),
  );
  const lines = renderOverview(table, (_format, text) => text).split("\n");
  let group = "";
  const seen = new Map<string, string>();
  for (const line of lines) {
    if (Object.values(COMMANDS).some((entry) => entry.group === line)) group = line;
    const name = /^ {2}(\w+) +\S/.exec(line)?.[1] ?? "";
    if (group !== "" && Object.hasOwn(COMMANDS, name)) {
      assert.ok(!seen.has(name), name);
      seen.set(name, group);
    }
  }
  assert.deepEqual(
    Object.fromEntries(seen),
    Object.fromEntries(Object.entries(COMMANDS).map(([name, entry]) => [name, entry.group])),
  );
});

test("examples come before commands", () => {
  const page = renderOverview(COMMANDS, (_format, text) => text);
  assert.ok(page.indexOf("\nexamples\n") < page.indexOf("\njobs\n"));
});
