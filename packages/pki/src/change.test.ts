// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { addDataKey, initKeys, rotateKeys } from "./change.ts";
import { type Keys, openKeys } from "./open.ts";
import { addDays, makeEmptyFolder, makeKeysFolder, NOW } from "./test-folder.ts";

test("keys are made complete, private and usable", async () => {
  const folder = join(await makeEmptyFolder(), "deep er", "schlüssel");
  const keys = await initKeys(folder, { now: NOW, keyNames: ["patients", "sales", "patients"] });
  assert.deepEqual(await openKeys(folder, { now: NOW }), keys);
  assert.equal(keys.generation, 1);
  assert.deepEqual(
    keys.keyring.keys.map((key) => key.id),
    ["patients", "sales"],
  );
  for (const role of ["server", "driver", "executor"] as const) {
    const pfx = await readFile(keys.files[role].keyStore);
    assert.ok(createSecureContext({ pfx, passphrase: keys.storePassword }));
  }
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(keys.folder)).mode & 0o777, 0o700);
  for (const name of await readdir(keys.folder)) {
    assert.equal((await stat(join(keys.folder, name))).mode & 0o777, 0o600, name);
  }
  assert.deepEqual((await readdir(folder)).sort(), ["current", "generations"]);
});

test("the enclave key is what SGX demands", async () => {
  const keys = await openKeys(await makeKeysFolder(), { now: NOW });
  const pem = await readFile(keys.files.enclaveKey, "utf8");
  assert.match(pem, /^-----BEGIN RSA PRIVATE KEY-----/);
  assert.deepEqual(createPrivateKey(pem).asymmetricKeyDetails, { modulusLength: 3072, publicExponent: 3n });
  assert.match(keys.enclaveSigner, /^[0-9a-f]{64}$/);
});

test("secrets are 256 random bits each, and the manifest holds none", async () => {
  const keys = await openKeys(await makeKeysFolder(), { now: NOW });
  const manifest = await readFile(join(keys.folder, "manifest.json"), "utf8");
  const secrets = [keys.storePassword, keys.sparkSecret];
  assert.notEqual(secrets[0], secrets[1]);
  for (const secret of secrets) {
    assert.equal(Buffer.from(secret, "base64url").length, 32);
    assert.ok(!manifest.includes(secret));
  }
});

test("existing keys are never overwritten", async () => {
  const folder = await makeKeysFolder();
  const before = await openKeys(folder, { now: NOW });
  await assert.rejects(initKeys(folder, { now: NOW }), { code: "KEYS_EXIST" });
  assert.deepEqual(await initKeys(folder, { now: NOW, ifMissing: true }), before);
  const grown = await initKeys(folder, { now: NOW, ifMissing: true, keyNames: ["patients", "sales"] });
  assert.equal(grown.generation, 2);
  assert.deepEqual(grown.keyring.keys[0], before.keyring.keys[0]);
  assert.equal(grown.keyring.keys[1]?.id, "sales");
});

test("a lost link to the keys is mended by init and costs no key", async () => {
  const folder = await makeKeysFolder();
  const before = await openKeys(folder, { now: NOW });
  await rm(join(folder, "current"));
  await assert.rejects(openKeys(folder, { now: NOW }), { code: "KEYS_MISSING" });
  await assert.rejects(rotateKeys(folder, { now: NOW, what: "all" }), { code: "KEYS_MISSING" });
  assert.deepEqual(await initKeys(folder, { now: NOW }), before);
});

test("validity is as asked, checked, and kept by rotation", async () => {
  const folder = join(await makeEmptyFolder(), "keys");
  for (const validity of [
    { leafDays: 0 },
    { leafDays: 1.5 },
    { authorityDays: 3651 },
    { leafDays: 30, authorityDays: 29 },
  ]) {
    await assert.rejects(initKeys(folder, { now: NOW, validity }), { code: "KEYS_VALIDITY_INVALID" });
  }
  await assert.rejects(stat(folder), { code: "ENOENT" });
  const days = ({ certificates }: Keys) =>
    certificates.slice(0, 2).map(({ notAfter }) => Math.round((Date.parse(notAfter) - NOW.getTime()) / 86_400_000));
  assert.deepEqual(days(await initKeys(folder, { now: NOW, validity: { authorityDays: 20, leafDays: 10 } })), [20, 10]);
  assert.deepEqual(days(await rotateKeys(folder, { now: addDays(1), what: "certificates" })), [21, 11]);
  assert.deepEqual(
    days(await rotateKeys(folder, { now: NOW, what: "certificates", validity: { leafDays: 5 } })),
    [20, 5],
  );
});

/** What each rotation changes, of: certificates, password, secret, enclave, data. */
const CHANGES = {
  certificates: [true, false, false, false, false],
  password: [false, true, false, false, false],
  secret: [false, false, true, false, false],
  enclave: [false, false, false, true, false],
  data: [false, false, false, false, true],
  all: [true, true, true, true, true],
} as const;

for (const [what, expected] of Object.entries(CHANGES)) {
  test(`rotating ${what} changes that and nothing else`, async () => {
    const folder = await makeKeysFolder();
    const before = await openKeys(folder, { now: NOW });
    const after = await rotateKeys(folder, { now: NOW, what: what as keyof typeof CHANGES });
    const parts = (keys: Keys) => [
      keys.certificates.filter(({ role }) => role !== "previous-ca"),
      keys.storePassword,
      keys.sparkSecret,
      keys.enclaveSigner,
      keys.keyring,
    ];
    const [old, renewed] = [parts(before), parts(after)];
    assert.deepEqual(
      old.map((part, index) => JSON.stringify(part) !== JSON.stringify(renewed[index])),
      expected,
    );
    const pfx = await readFile(after.files.driver.keyStore);
    assert.ok(createSecureContext({ pfx, passphrase: after.storePassword }));
  });
}

test("an earlier authority stays trusted until it expires or is distrusted", async () => {
  const folder = await makeKeysFolder();
  const before = await openKeys(folder, { now: NOW });
  const first = before.certificates[0]?.sha256;
  const previous = (keys: Keys) =>
    keys.certificates.filter(({ role }) => role === "previous-ca").map((it) => it.sha256);
  const second = await rotateKeys(folder, { now: addDays(30), what: "certificates" });
  assert.deepEqual(previous(second), [first]);
  const bundle = await readFile(second.files.driver.caBundle, "utf8");
  const old = new X509Certificate(await readFile(before.files.driver.certificate));
  const trusted = bundle.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
  assert.deepEqual(
    trusted.map((authority) => old.checkIssued(authority)),
    [false, true],
  );
  const third = await rotateKeys(folder, { now: addDays(364), what: "certificates" });
  assert.equal(previous(third).length, 2);
  const fourth = await rotateKeys(folder, { now: addDays(366), what: "certificates" });
  assert.deepEqual(previous(fourth), [third.certificates[0]?.sha256, second.certificates[0]?.sha256]);
  assert.deepEqual(
    previous(await rotateKeys(folder, { now: addDays(367), what: "certificates", distrustPrevious: true })),
    [],
  );
});

test("the three generations before the current one stay as they were", async () => {
  const folder = await makeKeysFolder();
  const first = await openKeys(folder, { now: NOW });
  const password = await readFile(first.files.storePassword, "utf8");
  for (let count = 0; count < 3; count++) await rotateKeys(folder, { now: NOW, what: "password" });
  assert.equal(await readFile(first.files.storePassword, "utf8"), password);
  await rotateKeys(folder, { now: NOW, what: "password" });
  assert.deepEqual((await readdir(join(folder, "generations"))).sort(), ["000002", "000003", "000004", "000005"]);
  assert.equal(await readlink(join(folder, "current")), "generations/000005");
});

test("expired keys cannot be opened, and rotation cures them", async () => {
  const folder = await makeKeysFolder();
  await assert.rejects(openKeys(folder, { now: addDays(91) }), { code: "KEYS_EXPIRED" });
  await rotateKeys(folder, { now: addDays(91), what: "certificates" });
  assert.equal((await openKeys(folder, { now: addDays(91) })).generation, 2);
});

test("a change of damaged or open keys is refused and makes nothing", async () => {
  const damaged = await makeKeysFolder();
  await writeFile(join(damaged, "current", "spark-secret"), "x");
  await assert.rejects(rotateKeys(damaged, { now: NOW, what: "all" }), { code: "KEYS_DAMAGED" });
  await assert.rejects(addDataKey(damaged, { now: NOW, id: "x" }), { code: "KEYS_DAMAGED" });
  const open = await makeKeysFolder();
  await chmod(open, 0o755);
  await assert.rejects(rotateKeys(open, { now: NOW, what: "all" }), { code: "KEYS_MODE_LOOSE" });
  for (const folder of [damaged, open]) assert.deepEqual(await readdir(join(folder, "generations")), ["000001"]);
});

test("keys are not made in a folder that others may open, nor where there is a file", async () => {
  const open = await makeEmptyFolder();
  await chmod(open, 0o755);
  await assert.rejects(initKeys(open, { now: NOW }), { code: "KEYS_MODE_LOOSE" });
  const file = join(await makeEmptyFolder(), "file");
  await writeFile(file, "");
  await assert.rejects(initKeys(file, { now: NOW }), { code: "KEYS_UNWRITABLE" });
});

test("an unknown data key, a name twice or no name at all leaves the keys as they were", async () => {
  const folder = await makeKeysFolder();
  await assert.rejects(rotateKeys(folder, { now: NOW, what: "data", dataKeys: ["x"] }), { code: "KEY_MISSING" });
  await assert.rejects(addDataKey(folder, { now: NOW, id: "patients" }), { code: "KEY_EXISTS" });
  await assert.rejects(addDataKey(folder, { now: NOW, id: "../x" }), { code: "KEY_NAME_INVALID" });
  assert.equal((await openKeys(folder, { now: NOW })).generation, 1);
  assert.deepEqual((await readdir(folder)).sort(), ["current", "generations"]);
});

test("the next change removes what an interrupted one left", async () => {
  const folder = await makeKeysFolder();
  await mkdir(join(folder, "generations", ".tmp-0123"), { mode: 0o700 });
  await writeFile(join(folder, "generations", ".tmp-0123", "store-password"), "x", { mode: 0o600 });
  await mkdir(join(folder, "generations", "000002"), { mode: 0o700 });
  await symlink("generations/000002", join(folder, ".tmp-4567"));
  const keys = await rotateKeys(folder, { now: NOW, what: "secret" });
  assert.equal(keys.generation, 2);
  assert.deepEqual((await readdir(folder)).sort(), ["current", "generations"]);
  assert.deepEqual((await readdir(join(folder, "generations"))).sort(), ["000001", "000002"]);
});

test("changes at the same time come one after the other, and none is lost", async () => {
  const folder = await makeKeysFolder();
  const ids = ["a", "b", "c", "d"];
  await Promise.all(ids.map((id) => addDataKey(folder, { now: NOW, id })));
  const keys = await openKeys(folder, { now: NOW });
  assert.deepEqual(keys.keyring.keys.map((key) => key.id).sort(), [...ids, "patients"]);
  assert.equal(keys.generation, 5);
});
