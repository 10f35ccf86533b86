// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { createSecureContext } from "node:tls";
import { type Issued, issueAuthority, issueLeaf } from "./certificate.ts";
import { encodeStore } from "./pkcs12.ts";
import { isAbsent, makeEmptyFolder, NOW } from "./test-folder.ts";

const PASSWORD = "7Q-pLk3_store-password";
const noJava = isAbsent("keytool", "-help");
let folder: string;
let authority: Issued;
let driver: Issued;

before(async () => {
  folder = await makeEmptyFolder();
  authority = await issueAuthority(NOW, 365);
  driver = await issueLeaf("driver", authority, NOW, 90);
  const chain = [driver.certificate, authority.certificate];
  const key = { alias: "driver", privateKey: driver.key, chain };
  const trusted = [{ alias: "ca", certificate: authority.certificate }];
  await writeFile(join(folder, "key.p12"), await encodeStore({ key, trusted: [] }, PASSWORD));
  await writeFile(join(folder, "trust.p12"), await encodeStore({ trusted }, PASSWORD));
  await writeFile(join(folder, "both.p12"), await encodeStore({ key, trusted }, PASSWORD));
  await writeFile(join(folder, "password"), PASSWORD);
  await writeFile(join(folder, "wrong"), `${PASSWORD}x`);
});

function listEntries(store: string, type: string, passwordFile = "password"): string {
  return execFileSync(
    "keytool",
    [
      "-J-Duser.language=en",
      "-list",
      "-v",
      "-storetype",
      type,
      "-keystore",
      join(folder, store),
      "-storepass:file",
      join(folder, passwordFile),
    ],
    { encoding: "utf8", stdio: "pipe" },
  );
}

test("Node opens a key store with its password alone", async () => {
  const pfx = await readFile(join(folder, "key.p12"));
  assert.ok(createSecureContext({ pfx, passphrase: PASSWORD }));
  assert.throws(() => createSecureContext({ pfx, passphrase: `${PASSWORD}x` }));
  assert.throws(() => createSecureContext({ pfx, passphrase: "" }));
});

test("a store shows neither key nor password", async () => {
  const store = await readFile(join(folder, "both.p12"));
  const keyBytes = Buffer.from(driver.key.replace(/-----[^-]+-----|\s/g, ""), "base64");
  // The private scalar stands at octets 36 to 68 of a P-256 PKCS#8 key.
  assert.ok(!store.includes(keyBytes.subarray(36, 68)));
  assert.ok(!store.includes(PASSWORD));
  assert.ok(!store.includes(new X509Certificate(driver.certificate).raw.subarray(0, 64)));
});

for (const type of ["PKCS12", "JKS"]) {
  test(`keytool lists the entries of a store named ${type}`, { skip: noJava }, () => {
    const key = listEntries("key.p12", type);
    assert.match(key, /Alias name: driver\n.*\nEntry type: PrivateKeyEntry\nCertificate chain length: 2/);
    const trust = listEntries("trust.p12", type);
    assert.match(trust, /contains 1 entry/);
    assert.match(trust, /Alias name: ca\n.*\nEntry type: trustedCertEntry/);
    const both = listEntries("both.p12", type);
    assert.match(both, /contains 2 entries/);
  });
}

test("keytool refuses a wrong password", { skip: noJava }, () => {
  assert.throws(() => listEntries("trust.p12", "PKCS12", "wrong"), { status: 1 });
});

test("OpenSSL finds strong encryption throughout", { skip: isAbsent("openssl", "version") }, () => {
  // The summary goes to stderr.
  const { status, stderr } = spawnSync(
    "openssl",
    ["pkcs12", "-info", "-noout", "-in", join(folder, "both.p12"), "-passin", `file:${join(folder, "password")}`],
    { encoding: "utf8" },
  );
  assert.equal(status, 0);
  assert.match(stderr, /MAC: sha256, Iteration 1000/);
  assert.match(stderr, /Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 1000, PRF hmacWithSHA256/);
  assert.match(stderr, /Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 1000, PRF hmacWithSHA256/);
});
