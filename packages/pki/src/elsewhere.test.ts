// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { rotateKeys } from "./change.ts";
import { deriveSecret, issueElsewhere } from "./elsewhere.ts";
import { openKeys } from "./open.ts";
import { addDays, makeKeysFolder, NOW } from "./test-folder.ts";

test("a certificate for elsewhere has its names, our authority, and its key", async () => {
  const keys = await openKeys(await makeKeysFolder(), { now: NOW });
  const holder = { subject: "bulwark-clouds-redis", hosts: ["clouds-redis.team.svc"], uris: [] };
  const issued = await issueElsewhere(keys, holder, NOW);
  const certificate = new X509Certificate(issued.certificate);
  const [authority] = issued.caBundle.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.equal(certificate.subject, "CN=bulwark-clouds-redis");
  assert.equal(certificate.checkHost("clouds-redis.team.svc"), "clouds-redis.team.svc");
  assert.equal(certificate.checkHost("other.team.svc"), undefined);
  assert.ok(certificate.verify(new X509Certificate(authority ?? "").publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.privateKey)));
  assert.equal(certificate.validToDate.getTime(), addDays(keys.validity.leafDays).getTime());
  assert.equal(issued.caBundle, await readFile(keys.files.server.caBundle, "utf8"));
});

test("a derived secret is the same again, another for another purpose, and new with a new authority", async () => {
  const folder = await makeKeysFolder();
  const keys = await openKeys(folder, { now: NOW });
  const first = await deriveSecret(keys, "redis gateway of clouds in team");
  assert.equal(Buffer.from(first, "base64url").length, 32);
  assert.equal(await deriveSecret(keys, "redis gateway of clouds in team"), first);
  assert.notEqual(await deriveSecret(keys, "redis engine of clouds in team"), first);
  const later = await rotateKeys(folder, { now: NOW, what: ["password", "secret"] });
  assert.equal(await deriveSecret(later, "redis gateway of clouds in team"), first);
  const renewed = await rotateKeys(folder, { now: NOW, what: "certificates" });
  assert.notEqual(await deriveSecret(renewed, "redis gateway of clouds in team"), first);
});
