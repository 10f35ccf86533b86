// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import { readEntries } from "./file.ts";
import { writeSetting } from "./write.ts";

function makeFile(text?: string) {
  const home = createTestFolder();
  const file = join(home, text === undefined ? "new/folder/config.yaml" : "config.yaml");
  if (text !== undefined) writeFileSync(file, text);
  return {
    home,
    file,
    write: (name: string, value?: string) => writeSetting(file, { name, value, cwd: "/work dir", home }),
  };
}

test("a file is made for its owner alone, folder and all, and nothing else is left beside it", async () => {
  const { file, write } = makeFile();
  await write("output", "json");
  assert.deepEqual(await readEntries(file), [{ name: "output", value: "json", line: 1, column: 1 }]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(dirname(file)), ["config.yaml"]);
});

test("comments and other settings stay; no value takes a setting out", async () => {
  const { file, write } = makeFile("# mine\noutput: yaml # always\ncolor: never\n");
  await write("color", "auto");
  await write("keysDir", "~/keys");
  assert.match(readFileSync(file, "utf8"), /^# mine\noutput: yaml # always\ncolor: auto\nkeysDir: /);
  await write("color");
  await write("color");
  assert.deepEqual(
    (await readEntries(file)).map(({ name }) => name),
    ["output", "keysDir"],
  );
});

test("a relative path becomes absolute, so that it means the same from everywhere", async () => {
  const { file, home, write } = makeFile("");
  await write("keysDir", "keys");
  await write("runsDir", "~/runs");
  assert.deepEqual(
    (await readEntries(file)).map(({ value }) => value),
    ["/work dir/keys", join(home, "runs")],
  );
});

test("what is written by rename is a new file, so a reader has the old one whole", async () => {
  const { file, write } = makeFile("output: yaml\n");
  const { ino } = statSync(file);
  await write("output", "json");
  assert.notEqual(statSync(file).ino, ino);
});

test("a setting that does not exist or cannot have the value changes nothing", async () => {
  const { file, write } = makeFile("output: yaml\n");
  await assert.rejects(write("ouptut", "json"), { code: "CONFIG_INVALID" });
  await assert.rejects(write("output", "pink"), { code: "CONFIG_INVALID" });
  assert.equal(readFileSync(file, "utf8"), "output: yaml\n");
});

test("a file that is not YAML is not overwritten", async () => {
  const { file, write } = makeFile("output: [\n");
  await assert.rejects(write("color", "never"), { code: "CONFIG_INVALID" });
  assert.equal(readFileSync(file, "utf8"), "output: [\n");
});

test("where nothing can be written is one coded error", async () => {
  const { home } = makeFile("");
  const file = join(home, "config.yaml", "below.yaml");
  await assert.rejects(writeSetting(file, { name: "output", value: "json", cwd: home, home }), {
    code: "CONFIG_INVALID",
  });
  assert.equal(existsSync(file), false);
});
