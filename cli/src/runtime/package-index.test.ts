// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipSettings } from "./package-index.ts";

const HELP =
  "  -i, --index-url <url>       Base URL of the index (default https://built-in.example/simple). More text.\n";

test("without settings the index is the one pip has built in", () => {
  assert.deepEqual(parsePipSettings("", HELP), { indexes: ["https://built-in.example/simple"], findLinks: [] });
});

test("environment goes before install, install before global", () => {
  const list = [
    "global.index-url='https://global.example/s'",
    "install.index-url='https://install.example/s'",
    "global.cert='/etc/ca.pem'",
    ":env:.extra-index-url='https://one.example https://two.example'",
    "global.find-links='\\n/a\\n/b'",
    "global.proxy='http://proxy.example:3128'",
  ];
  const settings = parsePipSettings(list.join("\n"), HELP);
  assert.deepEqual(settings, {
    indexes: ["https://install.example/s", "https://one.example", "https://two.example"],
    findLinks: ["/a", "/b"],
    certificateFile: "/etc/ca.pem",
    proxy: "http://proxy.example:3128",
  });
  const withEnv = parsePipSettings(`${list.join("\n")}\n:env:.index-url='https://env.example'`, HELP);
  assert.equal(withEnv.indexes[0], "https://env.example");
});

test("no-index leaves no index", () => {
  assert.deepEqual(parsePipSettings(":env:.no-index='1'\n:env:.find-links='/wheels'", HELP).indexes, []);
  assert.equal(parsePipSettings(":env:.no-index='0'", HELP).indexes.length, 1);
});
