// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "./commands/index.ts";
import { loadCommand, parseCall } from "./program.ts";

async function parse(name: string, line: string) {
  return parseCall(await loadCommand(COMMANDS, name), line === "" ? [] : line.split(" "));
}

const usage = (mend: RegExp) => ({ name: "BulwarkError", code: "USAGE", mend });

test("arguments after -- reach the job as typed, flags among them", async () => {
  const call = await parse("run", "app.py --name etl -- --input data.csv --help -o json --");
  assert.ok("args" in call);
  assert.deepEqual(call.args, ["app.py", "--input", "data.csv", "--help", "-o", "json", "--"]);
  assert.equal(call.flags.name, "etl");
  assert.equal(call.flags.output, undefined);
});

test("flags of every command are known before and after a subcommand", async () => {
  for (const line of ["-o json init --data a b", "init --data a b -o json"]) {
    const call = await parse("keys", line);
    assert.ok("path" in call);
    assert.deepEqual([call.path, call.flags.output, call.flags.data], [["init"], "json", ["a", "b"]], line);
  }
});

test("what is misspelt is refused with the nearest name", async () => {
  await assert.rejects(loadCommand(COMMANDS, "lst"), usage(/bulwark list/));
  await assert.rejects(parse("keys", "shwo"), usage(/show/));
  await assert.rejects(parse("list", "--otput json"), usage(/--output/));
});

test("a name from the prototype of objects is no command", async () => {
  await assert.rejects(loadCommand(COMMANDS, "constructor"), usage(/bulwark/));
});

test("what is missing or too much is a usage error", async () => {
  for (const [name, line] of [
    ["run", ""],
    ["keys", ""],
    ["list", "one two"],
    ["list", "-o"],
    ["list", "-o xml"],
    ["config", "get colour"],
    ["data", "encrypt a b"],
  ] as const) {
    await assert.rejects(parse(name, line), usage(/bulwark /), `${name} ${line}`);
  }
});

test("every command and subcommand explains itself, examples before usage", async () => {
  for (const name of Object.keys(COMMANDS)) {
    const loaded = await loadCommand(COMMANDS, name);
    assert.ok(loaded.spec.examples.length > 0, name);
    for (const line of loaded.spec.examples) assert.match(line, new RegExp(`bulwark ${name}`));
    const parsed = parseCall(loaded, ["--help"]);
    assert.ok("help" in parsed, name);
    assert.ok(parsed.help.indexOf("Examples:") < parsed.help.indexOf("Usage:"), name);
    assert.ok(parsed.help.includes(loaded.spec.examples[0] ?? ""), name);
  }
});
