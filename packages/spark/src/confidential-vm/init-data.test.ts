// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { encodeInitData } from "./init-data.ts";

const FILES = { "policy.rego": "package agent_policy\ndefault ExecProcessRequest := false\n", "aa.toml": 'url = "x"' };

test("init data is TOML of the files, in the form of the annotation", () => {
  const encoded = encodeInitData(FILES);
  assert.match(encoded, /^H4sI/);
  const text = gunzipSync(Buffer.from(encoded, "base64")).toString("utf8");
  assert.match(text, /^version = "0\.1\.0"\nalgorithm = "sha384"\n/);
  assert.ok(text.includes('"policy.rego" = "package agent_policy\\ndefault'));
});

test("the same files give the same text, whatever machine encodes them", () => {
  assert.equal(encodeInitData(FILES), encodeInitData({ ...FILES }));
  assert.equal(Buffer.from(encodeInitData(FILES), "base64")[9], 255);
  assert.notEqual(encodeInitData(FILES), encodeInitData({ "policy.rego": "" }));
});
