// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { constants, generateKeyPairSync, publicEncrypt } from "node:crypto";
import { test } from "node:test";
import { checkNamedSecrets, makeSecret, maskSecret } from "./secrets.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const secret = (name: string, entries: Parameters<typeof makeSecret>[3]) => makeSecret("sales", "runs", name, entries);
/** As older deployments keep a password: encrypted, with the key beside it. */
const older = (password: string) =>
  secret("ssl-password", {
    "key.txt": privateKey.export({ type: "pkcs1", format: "pem" }),
    "output.bin": publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(password)),
  });
const application = (value: string) => ({
  name: "spark-secret",
  entry: "secret",
  secret: secret("spark-secret", { secret: value }),
});
const codes = (named: Parameters<typeof checkNamedSecrets>[0]) =>
  checkNamedSecrets(named).map(({ code, path }) => `${code} ${path}`);

test("password and secret of the older form must be one, and are compared without being told", () => {
  const [one, two] = ["correct horse battery", "another horse battery"];
  assert.deepEqual(
    codes({ application: application(one), password: { name: "ssl-password", secret: older(one) } }),
    [],
  );
  const findings = checkNamedSecrets({
    application: application(one),
    password: { name: "ssl-password", secret: older(two) },
  });
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["SECRET_MISMATCH"],
  );
  assert.ok(!JSON.stringify(findings).includes("horse"));
});

test("in our own form they are two on purpose", () => {
  const password = { name: "sales-tls", secret: secret("sales-tls", { password: "something else" }) };
  assert.deepEqual(codes({ application: application("0123456789abcdef"), password }), []);
});

test("absent Secrets, absent entries, short secrets and damaged passwords are found, all at once", () => {
  assert.deepEqual(
    codes({
      application: application("short"),
      keys: { name: "ssl-keys", secret: secret("ssl-keys", { "server.key": "x" }), roles: ["driver"] },
      password: { name: "ssl-password", secret: secret("ssl-password", { "key.txt": "no key", "output.bin": "x" }) },
      keyring: { name: "keyring", secret: undefined },
    }),
    [
      "SECRET_MISMATCH security.secrets.application",
      "SECRET_MISMATCH security.secrets.keys",
      "SECRET_MISMATCH security.secrets.password",
      "OBJECT_MISSING security.secrets.keyring",
    ],
  );
  assert.deepEqual(codes({ application: { name: "a", entry: "other", secret: secret("a", { secret: "x" }) } }), [
    "SECRET_MISMATCH security.secrets.application",
  ]);
});

test("each role that opens a key store finds its own or one for all", () => {
  const lacking = (entry: string, roles: readonly ("driver" | "executor")[]) =>
    codes({ keys: { name: "keys", secret: secret("keys", { [entry]: "x" }), roles } }).length;
  assert.equal(lacking("driver.p12", ["driver"]), 0);
  assert.equal(lacking("driver.p12", ["driver", "executor"]), 1);
  assert.equal(lacking("keystore.pkcs12", ["driver", "executor"]), 0);
  // No pod reads this one.
  assert.equal(lacking("keystore.jks", ["driver", "executor"]), 2);
});

test("a masked Secret tells names and sizes", () => {
  const masked = maskSecret(secret("a", { secret: "0123456789" }));
  assert.deepEqual(masked.data, { secret: "(10 bytes, not shown)" });
});
