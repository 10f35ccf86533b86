// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createCipheriv, createHash, pbkdf2Sync } from "node:crypto";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { openSealedModel, unwrapFrom } from "@bulwark/inference";
import { initKeys, type Keys } from "@bulwark/pki";
import { createTestContext, createTestFolder } from "../testing/context.ts";
import { spec } from "./model.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const folder = createTestFolder("bulwark-model-");
const MODEL = Buffer.from("MARKER of a model é", "latin1");
let keys: Keys;

before(async () => {
  keys = await initKeys(join(folder, "keys"), { now: NOW, keyNames: ["models"] });
  await writeFile(join(folder, "secret"), "the secret\n", { mode: 0o600 });
  await writeFile(join(folder, "salt"), "the salt\n", { mode: 0o600 });
});

async function encrypt(flags: Readonly<Record<string, unknown>>) {
  const context = createTestContext({
    home: folder,
    paths: { config: folder, keys: join(folder, "keys"), runs: folder, cache: folder },
  });
  const whole = { key: "models", overwrite: true, secretFile: "secret", saltFile: "salt", ...flags };
  const { value } = await spec.execute(context, { args: ["old.bin", "new.sealed"], flags: whole, path: ["encrypt"] });
  return { value: value as Record<string, string>, warned: context.stderr.text() };
}

const keyOf = (bits: number) => pbkdf2Sync("the secret", "the salt", 65_536, bits / 8, "sha256");

test("what BigDL encrypted with GCM becomes ours in one step, and nothing of it is written in the clear", async () => {
  const iv = Buffer.alloc(12, 3);
  const cipher = createCipheriv("aes-128-gcm", keyOf(128), iv);
  const blob = Buffer.concat([iv, cipher.update(MODEL), cipher.final(), cipher.getAuthTag()]);
  await writeFile(join(folder, "old.bin"), blob);
  const { value, warned } = await encrypt({ fromBigdl: "aes-128-gcm" });
  assert.deepEqual(
    await openSealedModel(await readFile(join(folder, "new.sealed")), unwrapFrom(keys.keyring.keys)),
    MODEL,
  );
  assert.equal(value.integrity, "checked");
  assert.equal(value.modelSha256, createHash("sha256").update(MODEL).digest("hex"));
  assert.doesNotMatch(warned, /SHA-256/);
  for (const name of await readdir(folder)) {
    if (name !== "keys") assert.ok(!(await readFile(join(folder, name))).includes("MARKER"), name);
  }
  await assert.rejects(encrypt({ fromBigdl: "aes-256-gcm" }), { code: "KEY_WRONG" });
});

test("of CBC it says loudly that nothing was checked", async () => {
  const iv = Buffer.alloc(16, 3);
  const cipher = createCipheriv("aes-256-cbc", keyOf(256), iv);
  const text = Buffer.from(MODEL.toString("latin1"), "utf8");
  await writeFile(join(folder, "old.bin"), Buffer.concat([iv, cipher.update(text), cipher.final()]).toString("base64"));
  const { value, warned } = await encrypt({ fromBigdl: "aes-256-cbc" });
  assert.match(value.integrity ?? "", /^NONE/);
  assert.ok(warned.includes(createHash("sha256").update(MODEL).digest("hex")));
  assert.deepEqual(
    await openSealedModel(await readFile(join(folder, "new.sealed")), unwrapFrom(keys.keyring.keys)),
    MODEL,
  );
});

test("secrets that are missing, absent, empty or open to others are refused", async () => {
  await assert.rejects(encrypt({}), { code: "USAGE" });
  await assert.rejects(encrypt({ fromBigdl: "aes-128-gcm", saltFile: undefined }), { code: "USAGE" });
  await assert.rejects(encrypt({ fromBigdl: "aes-128-gcm", saltFile: "absent" }), { code: "SERVING_CONFIG" });
  await writeFile(join(folder, "empty"), "\n", { mode: 0o600 });
  await assert.rejects(encrypt({ fromBigdl: "aes-128-gcm", saltFile: "empty" }), { code: "SERVING_CONFIG" });
  await writeFile(join(folder, "open"), "x");
  await chmod(join(folder, "open"), 0o644);
  await assert.rejects(encrypt({ fromBigdl: "aes-128-gcm", secretFile: "open" }), { code: "KEYRING_UNSAFE" });
});
