// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { before, test } from "node:test";
import { createSecureContext } from "node:tls";
import { initKeys, type Keys, parseKeyring, type SecretManifest } from "@bulwark/pki";
import { parse } from "yaml";
import { createTestFolder } from "../../testing/context.ts";
import { exportRelay, exportServing } from "./export-serving.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const CLOUDS = { release: "clouds", namespace: "team", dataKeys: ["models"], hosts: ["clouds.example"], now: NOW };

let keys: Keys;
let secrets: SecretManifest[];
before(async () => {
  const folder = join(createTestFolder("bulwark-serving-"), "keys");
  keys = await initKeys(folder, { now: NOW, keyNames: ["serving-records", "models", "patients"] });
  secrets = await exportServing(keys, CLOUDS);
});

const entry = (name: string, key: string, from = secrets): string => {
  const value = from.find(({ metadata }) => metadata.name === name)?.data[key];
  assert.ok(value, `${name}/${key}`);
  return Buffer.from(value, "base64").toString();
};

test("the Secrets have the names and entries that the chart mounts", () => {
  const tls = ["ca.crt", "tls.crt", "tls.key"];
  assert.deepEqual(Object.fromEntries(secrets.map(({ metadata, data }) => [metadata.name, Object.keys(data).sort()])), {
    "clouds-gateway": ["ca.crt", "redis-password", "tls.crt", "tls.key"],
    "clouds-engine": ["ca.crt", "redis-password", "tls.crt", "tls.key"],
    "clouds-redis": ["ca.crt", "operator-password", "tls.crt", "tls.key", "users.acl"],
    "clouds-keyring": ["keyring.json"],
    "clouds-records": ["keyring.json"],
    "clouds-tokens": ["tokens"],
    "clouds-client": [...tls, "token"].sort(),
    "clouds-flink": ["channel-trust.p12", "channel.p12", "config.yaml"],
  });
  for (const { metadata } of secrets) {
    assert.equal(metadata.namespace, "team");
    assert.equal(metadata.labels["app.kubernetes.io/instance"], "clouds");
  }
});

test("each part has a certificate for the names of its Service alone", () => {
  const table: [part: string, host: string, isThere: boolean][] = [
    ["gateway", "clouds", true],
    ["gateway", "clouds.team.svc", true],
    ["gateway", "clouds.example", true],
    ["gateway", "clouds-redis.team.svc", false],
    ["redis", "clouds-redis.team.svc", true],
    ["redis", "clouds-redis.team.svc.cluster.local", true],
    ["redis", "clouds.team.svc", false],
    ["engine", "clouds.team.svc", false],
    ["client", "clouds.team.svc", false],
  ];
  for (const [part, host, isThere] of table) {
    const certificate = new X509Certificate(entry(`clouds-${part}`, "tls.crt"));
    assert.equal(certificate.checkHost(host) !== undefined, isThere, `${part} ${host}`);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(entry(`clouds-${part}`, "tls.key"))));
  }
});

test("Flink's processes open their stores with the password of their settings", () => {
  const { "security.ssl.internal.keystore-password": password, ...settings } = parse(
    entry("clouds-flink", "config.yaml"),
  );
  assert.equal(settings["jobmanager.rpc.address"], "clouds-jobmanager.team.svc");
  const { data = {} } = secrets.find(({ metadata }) => metadata.name === "clouds-flink") ?? {};
  const pfx = Buffer.from(data["channel.p12"] ?? "", "base64");
  createSecureContext({ pfx, passphrase: password });
  assert.throws(() => createSecureContext({ pfx, passphrase: "another" }));
  assert.match(settings["security.ssl.internal.keystore"], /\/channel\.p12$/);
});

test("Redis's users may use the keys of the job that is named, and of no other", async () => {
  const other = await exportServing(keys, { ...CLOUDS, job: "frames" });
  const [engine = ""] = entry("clouds-redis", "users.acl", other).match(/^user engine .*$/m) ?? [];
  assert.ok(engine.includes(" ~frames:* "), engine);
  assert.ok(!engine.includes("serving_stream"), engine);
  await assert.rejects(exportServing(keys, { ...CLOUDS, job: "a job" }), { code: "QUEUE_NAME_INVALID" });
});

test("Redis and the gateway get digests of what the others show", () => {
  const users = entry("clouds-redis", "users.acl").split("\n");
  const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
  const passwords = {
    gateway: entry("clouds-gateway", "redis-password"),
    engine: entry("clouds-engine", "redis-password"),
  };
  for (const [user, password] of Object.entries(passwords)) {
    assert.ok(users.some((line) => line.startsWith(`user ${user} on #${digestOf(password)} `)));
  }
  assert.notEqual(passwords.gateway, passwords.engine);
  assert.equal(entry("clouds-tokens", "tokens"), `clouds-client ${digestOf(entry("clouds-client", "token"))}\n`);
});

test("only the master keys that are needed leave the keys folder", () => {
  const { keys: carried } = parseKeyring(entry("clouds-keyring", "keyring.json"));
  assert.deepEqual(
    carried.map(({ id }) => id),
    ["serving-records", "models"],
  );
  const { keys: ofRecords } = parseKeyring(entry("clouds-records", "keyring.json"));
  assert.deepEqual(
    ofRecords.map(({ id }) => id),
    ["serving-records"],
  );
});

test("a relay elsewhere gets what Redis knows already, a certificate and the key of records", async () => {
  const [relay, ...others] = await exportRelay(keys, { ...CLOUDS, dataKeys: [], hosts: [] });
  assert.deepEqual([relay?.metadata.name, others], ["clouds-relay", []]);
  assert.deepEqual(Object.keys(relay?.data ?? {}).sort(), [
    ...["ca.crt", "keyring.json", "redis-password", "tls.crt", "tls.key"],
  ]);
  const relays = (key: string): string => entry("clouds-relay", key, relay === undefined ? [] : [relay]);
  const digest = createHash("sha256").update(relays("redis-password")).digest("hex");
  assert.match(entry("clouds-redis", "users.acl"), new RegExp(`^user relay on #${digest} `, "m"));
  assert.equal(relays("keyring.json"), entry("clouds-records", "keyring.json"));
  const certificate = new X509Certificate(relays("tls.crt"));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(relays("tls.key"))));
  assert.equal(certificate.checkHost("clouds-redis.team.svc"), undefined);
});

test("again it gives the same passwords and token, for another release others", async () => {
  const again = await exportServing(keys, CLOUDS);
  const other = await exportServing(keys, { ...CLOUDS, namespace: "other" });
  for (const [name, key] of [
    ["clouds-gateway", "redis-password"],
    ["clouds-redis", "users.acl"],
    ["clouds-client", "token"],
  ] as const) {
    assert.equal(entry(name, key, again), entry(name, key));
    assert.notEqual(entry(name, key, other), entry(name, key));
  }
  await assert.rejects(exportServing(keys, { ...CLOUDS, dataKeys: ["absent"] }), { code: "KEY_MISSING" });
});
