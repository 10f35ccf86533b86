// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { appendFile, chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inspectKeys } from "./inspect.ts";
import { FILE } from "./layout.ts";
import { openKeys } from "./open.ts";
import { addDays, makeEmptyFolder, makeKeysFolder, NOW } from "./test-folder.ts";

/** Ways to damage a generation: its folder in, nothing out. */
const DAMAGES: Readonly<Record<string, (generation: string) => Promise<unknown>>> = {
  "a missing private key": (path) => rm(join(path, "driver.key")),
  "a missing manifest": (path) => rm(join(path, FILE.manifest)),
  "an empty manifest": (path) => writeFile(join(path, FILE.manifest), ""),
  "a manifest of another version": async (path) => {
    const manifest = JSON.parse(await readFile(join(path, FILE.manifest), "utf8"));
    await writeFile(join(path, FILE.manifest), JSON.stringify({ ...manifest, version: 2 }));
  },
  "a manifest without a digest": async (path) => {
    const manifest = JSON.parse(await readFile(join(path, FILE.manifest), "utf8"));
    delete manifest.files[FILE.storePassword];
    await writeFile(join(path, FILE.manifest), JSON.stringify(manifest));
  },
  "a flipped bit": async (path) => {
    const store = await readFile(join(path, FILE.trustStore));
    store.writeUInt8(store.readUInt8(100) ^ 1, 100);
    await writeFile(join(path, FILE.trustStore), store);
  },
  "a truncated keyring": (path) => writeFile(join(path, FILE.keyring), '{"version":1'),
  "a line break after the password": (path) => appendFile(join(path, FILE.storePassword), "\n"),
  "a file too many": (path) => writeFile(join(path, "notes.txt"), "", { mode: 0o600 }),
  "a link in place of a file": async (path) => {
    await rename(join(path, FILE.authorityKey), join(path, "..", "..", "ca.key"));
    await symlink("../../ca.key", join(path, FILE.authorityKey));
  },
  "a folder in place of a file": async (path) => {
    await rm(join(path, FILE.sparkSecret));
    await mkdir(join(path, FILE.sparkSecret), { mode: 0o700 });
  },
  "a generation that is gone": (path) => rm(path, { recursive: true }),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`${name} is found`, async () => {
    const folder = await makeKeysFolder();
    await damage(join(folder, "generations", "000001"));
    await assert.rejects(openKeys(folder, { now: NOW }), { code: "KEYS_DAMAGED" });
    const { findings, generation } = await inspectKeys(folder, NOW);
    assert.deepEqual(
      findings.map((finding) => finding.code),
      ["KEYS_DAMAGED"],
    );
    assert.equal(generation, undefined);
  });
}

test("no keys are told from damaged ones", async () => {
  const folder = await makeEmptyFolder();
  await assert.rejects(openKeys(folder, { now: NOW }), { code: "KEYS_MISSING" });
  await assert.rejects(openKeys(join(folder, "absent"), { now: NOW }), { code: "KEYS_MISSING" });
  await symlink("../somewhere/000001", join(folder, "current"));
  await assert.rejects(openKeys(folder, { now: NOW }), { code: "KEYS_MISSING" });
});

test("every loose mode is found, with the command that mends it", async () => {
  const folder = await makeKeysFolder();
  const generation = join(folder, "generations", "000001");
  await chmod(folder, 0o750);
  await chmod(generation, 0o701);
  await chmod(join(generation, FILE.keyring), 0o640);
  const expected = [`chmod 700 ${folder}`, `chmod 700 ${generation}`, `chmod 600 ${join(generation, FILE.keyring)}`];
  const { findings } = await inspectKeys(folder, NOW);
  assert.deepEqual(
    findings.map(({ code, mend }) => [code, mend]),
    expected.map((mend) => ["KEYS_MODE_LOOSE", mend]),
  );
  await assert.rejects(openKeys(folder, { now: NOW }), { code: "KEYS_MODE_LOOSE" });
});

test("validity is judged at the instant given", async () => {
  const folder = await makeKeysFolder();
  const codes = async (now: Date) => (await inspectKeys(folder, now)).findings.map((finding) => finding.code);
  assert.deepEqual(await codes(addDays(75)), []);
  assert.deepEqual(await codes(addDays(76)), ["KEYS_EXPIRING", "KEYS_EXPIRING", "KEYS_EXPIRING"]);
  assert.ok(await openKeys(folder, { now: addDays(89) }));
  assert.deepEqual(await codes(addDays(90)), ["KEYS_EXPIRED", "KEYS_EXPIRED", "KEYS_EXPIRED"]);
  assert.deepEqual((await codes(addDays(400))).length, 4);
  assert.deepEqual(new Set(await codes(addDays(-1))), new Set(["KEYS_EXPIRED"]));
});

test("leftovers are named, and keep nobody from using the keys", async () => {
  const folder = await makeKeysFolder();
  await writeFile(join(folder, "lock-1_0_00000000_1_abcd"), "", { mode: 0o600 });
  await mkdir(join(folder, "generations", ".tmp-1"), { mode: 0o700 });
  const { findings } = await inspectKeys(folder, NOW);
  assert.deepEqual(
    findings.map(({ code, file }) => [code, file]),
    [
      ["KEYS_LEFTOVER", join(folder, "lock-1_0_00000000_1_abcd")],
      ["KEYS_LEFTOVER", join(folder, "generations", ".tmp-1")],
    ],
  );
  assert.equal((await openKeys(folder, { now: NOW })).generation, 1);
});

test("findings of several kinds come together", async () => {
  const folder = await makeKeysFolder();
  await chmod(join(folder, "current", "driver.key"), 0o644);
  await rm(join(folder, "current", "server.p12"));
  await mkdir(join(folder, ".tmp-1"), { mode: 0o700 });
  assert.deepEqual(
    (await inspectKeys(folder, NOW)).findings.map((finding) => finding.code),
    ["KEYS_MODE_LOOSE", "KEYS_DAMAGED", "KEYS_LEFTOVER"],
  );
});
