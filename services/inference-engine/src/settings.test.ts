// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSettings } from "./settings.ts";

const root = mkdtempSync(join(tmpdir(), "bulwark-engine-settings-"));
after(() => rmSync(root, { recursive: true, force: true }));

const read = (older: unknown) => {
  const path = join(root, "engine.json");
  writeFileSync(path, JSON.stringify({ redis: { url: "redis://127.0.0.1:1" }, models: "m", older }));
  return readSettings(path);
};

test("the switches for what BigDL encrypted pass as they are, and are off unless they are set", async () => {
  const files = { secretFile: "a", saltFile: "b" };
  const older = { models: { cipher: "aes-256-cbc", ...files }, records: { cipher: "aes-128-gcm", ...files } };
  assert.deepEqual((await read(older)).older, older);
  assert.deepEqual((await read(undefined)).older, {});
});

test("an engine is told no secrets later, so it must find them in files", async () => {
  for (const older of [
    { models: { cipher: "aes-128-gcm" } },
    { records: { cipher: "aes-128-gcm", secretFile: "a" } },
    { models: { cipher: "rot13", secretFile: "a", saltFile: "b" } },
  ]) {
    await assert.rejects(read(older), { code: "SERVING_CONFIG", message: /older\.(models|records)/ });
  }
});
