// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { readLook, splitCommand } from "./look.ts";

test("the format asked for is found in every spelling, the last one counting", () => {
  for (const line of ["-o json", "-ojson", "--output json", "--output=json", "--json", "-o table --json"]) {
    assert.equal(readLook(["list", ...line.split(" ")]).output, "json", line);
  }
  assert.equal(readLook(["list", "--json", "-o", "yaml"]).output, "yaml");
  assert.equal(readLook(["list", "-o", "xml"]).output, undefined);
  assert.equal(readLook(["list"]).output, undefined);
});

test("what follows -- belongs to the job", () => {
  const look = readLook(["run", "app.py", "--", "--json", "--quiet", "--debug", "--no-color"]);
  assert.deepEqual(look, { quiet: false, debug: false, color: true });
  assert.deepEqual(splitCommand(["--", "run"]), { rest: ["--", "run"] });
});

test("flags may stand before the name of the command", () => {
  assert.deepEqual(splitCommand(["-o", "json", "list", "--debug"]), { name: "list", rest: ["-o", "json", "--debug"] });
  assert.deepEqual(splitCommand(["--quiet", "keys", "init"]), { name: "keys", rest: ["--quiet", "init"] });
  assert.deepEqual(splitCommand(["--help"]), { rest: ["--help"] });
});
