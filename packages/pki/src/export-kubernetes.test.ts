// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants, createPrivateKey, privateDecrypt, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { rotateKeys } from "./change.ts";
import { exportKubernetes, type SecretManifest } from "./export-kubernetes.ts";
import { type Keys, openKeys } from "./open.ts";
import { isAbsent, makeEmptyFolder, makeKeysFolder, NOW } from "./test-folder.ts";

async function exportAll(): Promise<{
  keys: Keys;
  secrets: SecretManifest[];
  entry: (name: string, key: string) => Buffer;
}> {
  const keys = await openKeys(await makeKeysFolder(), { now: NOW });
  const secrets = await exportKubernetes(keys, { namespace: "jobs", release: "spark-1" });
  const entry = (name: string, key: string): Buffer => {
    const value = secrets.find((secret) => secret.metadata.name === name)?.data[key];
    assert.ok(value, `${name}/${key}`);
    return Buffer.from(value, "base64");
  };
  return { keys, secrets, entry };
}

test("the Secrets have the names and entries that older deployments mount", async () => {
  const { secrets } = await exportAll();
  assert.deepEqual(Object.fromEntries(secrets.map(({ metadata, data }) => [metadata.name, Object.keys(data).sort()])), {
    "ssl-keys": ["keystore.jks", "keystore.pkcs12", "server.crt", "server.csr", "server.key", "server.pem"],
    "ssl-password": ["key.txt", "output.bin"],
    "enclave-key": ["enclave-key.pem"],
    "spark-secret": ["secret"],
  });
  for (const { apiVersion, kind, type, metadata } of secrets) {
    assert.deepEqual([apiVersion, kind, type, metadata.namespace], ["v1", "Secret", "Opaque", "jobs"]);
    assert.equal(metadata.labels["app.kubernetes.io/instance"], "spark-1");
  }
});

test("without namespace and release neither is named", async () => {
  const keys = await openKeys(await makeKeysFolder(), { now: NOW });
  for (const { metadata } of await exportKubernetes(keys)) {
    assert.deepEqual(Object.keys(metadata), ["name", "labels"]);
    assert.ok(!("app.kubernetes.io/instance" in metadata.labels));
  }
});

test("certificate, key, request and stores of the server belong together", async () => {
  const { keys, entry } = await exportAll();
  const key = createPrivateKey(entry("ssl-keys", "server.key"));
  assert.ok(new X509Certificate(entry("ssl-keys", "server.crt")).checkPrivateKey(key));
  assert.ok(new X509Certificate(entry("ssl-keys", "server.pem")).checkPrivateKey(key));
  assert.ok(createPrivateKey(entry("ssl-keys", "server.pem")).equals(key));
  for (const name of ["keystore.pkcs12", "keystore.jks"]) {
    assert.ok(createSecureContext({ pfx: entry("ssl-keys", name), passphrase: keys.storePassword }));
  }
});

test("password and Spark secret are one value", async () => {
  const { keys, entry } = await exportAll();
  const decrypted = privateDecrypt(
    { key: entry("ssl-password", "key.txt").toString(), padding: constants.RSA_PKCS1_PADDING },
    entry("ssl-password", "output.bin"),
  );
  assert.equal(decrypted.toString(), keys.storePassword);
  assert.equal(entry("spark-secret", "secret").toString(), keys.storePassword);
});

for (const command of ["rsautl", "pkeyutl"]) {
  test(`openssl ${command} recovers the password as older readers do`, {
    skip: isAbsent("openssl", "version"),
  }, async () => {
    const { keys, entry } = await exportAll();
    const keyFile = join(await makeEmptyFolder(), "key.txt");
    await writeFile(keyFile, entry("ssl-password", "key.txt"), { mode: 0o600 });
    const password = execFileSync("openssl", [command, "-decrypt", "-inkey", keyFile], {
      input: entry("ssl-password", "output.bin"),
      stdio: ["pipe", "pipe", "ignore"],
    });
    assert.equal(password.toString(), keys.storePassword);
  });
}

test("keytool finds key and trusted authorities in the store named JKS", {
  skip: isAbsent("keytool", "-help"),
}, async () => {
  const folder = await makeKeysFolder();
  const keys = await rotateKeys(folder, { now: NOW, what: "certificates" });
  const store = (await exportKubernetes(keys))[0]?.data["keystore.jks"] ?? "";
  const file = join(await makeEmptyFolder(), "keystore.jks");
  await writeFile(file, Buffer.from(store, "base64"), { mode: 0o600 });
  const list = execFileSync(
    "keytool",
    [
      "-J-Duser.language=en",
      "-list",
      "-storetype",
      "JKS",
      "-keystore",
      file,
      "-storepass:file",
      keys.files.storePassword,
    ],
    { encoding: "utf8" },
  );
  assert.match(list, /^server, .*PrivateKeyEntry/m);
  assert.match(list, /^ca, .*trustedCertEntry/m);
  assert.match(list, /^ca-previous-1, .*trustedCertEntry/m);
});
