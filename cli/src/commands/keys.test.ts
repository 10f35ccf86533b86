// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { EXIT } from "@bulwark/contracts/errors";
import { openKeys, rotateKeys } from "@bulwark/pki";
import { Command } from "commander";
import { parseAllDocuments } from "yaml";
import type { Result } from "../command.ts";
import { captureStream, createTestContext, createTestFolder } from "../testing/context.ts";
import { spec } from "./keys.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const folder = createTestFolder("bulwark-keys-");
const keysFolder = join(folder, "keys");

/** Runs `bulwark keys` with a command line as typed, as the frame does. */
async function run(line: string, { isTTY = false, now = NOW } = {}): Promise<Result> {
  const context = createTestContext({
    home: folder,
    stdout: captureStream({ isTTY }),
    now: () => now,
    paths: { config: folder, keys: keysFolder, runs: folder, cache: folder },
  });
  const command = new Command("keys").exitOverride();
  spec.configure(command);
  let result: Promise<Result> | undefined;
  for (const sub of command.commands) {
    sub.exitOverride().configureOutput({ writeErr: () => {} });
    sub.action((flags) => {
      result = spec.execute(context, { args: [], flags, path: [sub.name()] });
    });
  }
  // The action only starts the work: what it throws belongs to the caller.
  command.parse(line.split(" "), { from: "user" });
  assert.ok(result);
  return result;
}

/** Everything that a result could print. */
async function secretsIn(result: Result): Promise<string[]> {
  const keys = await openKeys(keysFolder, { now: NOW });
  const text = JSON.stringify(result) + (result.table?.rows ?? []).map((row) => JSON.stringify(row)).join();
  const secrets = [
    keys.storePassword,
    keys.sparkSecret,
    ...keys.keyring.keys.flatMap((key) => key.versions.map((version) => version.key)),
    "PRIVATE KEY",
  ];
  return secrets.filter((secret) => text.includes(secret));
}

test("keys are made, shown and renewed without a secret in the answer", async () => {
  const made = await run("init --data patients sales --days 30 --ca-days 60");
  const shown = await run("show");
  assert.deepEqual(shown.value, made.value);
  const value = shown.value as { certificates: { role: string; daysLeft: number }[]; dataKeys: { id: string }[] };
  assert.deepEqual(
    value.certificates.map(({ role, daysLeft }) => [role, daysLeft]),
    [
      ["ca", 60],
      ["server", 30],
      ["driver", 30],
      ["executor", 30],
    ],
  );
  assert.deepEqual(
    value.dataKeys.map((key) => key.id),
    ["patients", "sales"],
  );
  const rotated = await run("rotate --data patients --secret");
  const keys = await openKeys(keysFolder, { now: NOW });
  assert.deepEqual(
    keys.keyring.keys.map((key) => key.current),
    [2, 1],
  );
  for (const result of [made, shown, rotated]) {
    assert.deepEqual(await secretsIn(result), []);
    assert.equal(result.table?.rows.length, 7);
  }
});

test("init refuses to replace keys, and adds data keys to them", async () => {
  await assert.rejects(run("init"), { code: "KEYS_EXIST" });
  assert.ok((await run("init --if-missing")).value);
  const { dataKeys } = (await run("init --data weather")).value as { dataKeys: { id: string }[] };
  assert.ok(dataKeys.some((key) => key.id === "weather"));
});

test("flags that make no sense are refused", async () => {
  for (const line of [
    "rotate",
    "rotate --secret --days 3",
    "rotate --secret --distrust-old",
    "rotate --certificates --days x",
    "export",
  ]) {
    await assert.rejects(run(line), { code: "USAGE" }, line);
  }
  await assert.rejects(run("rotate --certificates --days 0"), { code: "KEYS_VALIDITY_INVALID" });
  await assert.rejects(run("rotate --data absent"), { code: "KEY_MISSING" });
  await assert.rejects(run("export --kubernetes --namespace Not_A_Name"), { code: "USAGE" });
  for (const line of [
    "--serving clouds",
    "--serving Clouds -n team",
    "--host a.example",
    "--serving a -n b --host -",
    "--relay",
    "--serving a -n b --relay --data models",
    "--serving a -n b --relay --job clouds",
  ]) {
    await assert.rejects(run(`export --kubernetes ${line}`), { code: "USAGE" }, line);
  }
});

test("export prints one YAML document per Secret, but not on a terminal unasked", async () => {
  await assert.rejects(run("export --kubernetes", { isTTY: true }), { code: "USAGE" });
  assert.ok((await run("export --kubernetes --yes", { isTTY: true })).text);
  const { text = "" } = await run("export --kubernetes --namespace jobs");
  const secrets = parseAllDocuments(text).map((document) => document.toJS());
  assert.deepEqual(
    secrets.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]),
    ["ssl-keys", "ssl-password", "enclave-key", "spark-secret"].map((name) => ["Secret", name, "jobs"]),
  );
  const { storePassword } = await openKeys(keysFolder, { now: NOW });
  assert.equal(Buffer.from(secrets[3].data.secret, "base64").toString(), storePassword);
});

test("export prints names as texts, whatever YAML makes of them without quotes", async () => {
  for (const name of ["yes", "on", "1e3", "0o7", "null"]) {
    const { text = "" } = await run(`export --kubernetes --namespace ${name}`);
    for (const version of ["1.1", "1.2"] as const) {
      const [secret] = parseAllDocuments(text, { version });
      assert.equal(secret?.getIn(["metadata", "namespace"]), name);
    }
  }
});

test("export writes a file for its owner alone, and nothing where it cannot", async () => {
  const result = await run("export --kubernetes -f secrets.yaml", { isTTY: true });
  const file = join(folder, "secrets.yaml");
  assert.deepEqual(await secretsIn(result), []);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal(parseAllDocuments(await readFile(file, "utf8")).length, 4);
  await mkdir(join(folder, "taken"));
  await assert.rejects(run("export --kubernetes -f taken"), { code: "KEYS_UNWRITABLE" });
  assert.deepEqual((await readdir(folder)).sort(), ["keys", "secrets.yaml", "taken"]);
});

test("check answers with exit code 3 and every finding", async () => {
  const sound = await run("check");
  assert.deepEqual([sound.exitCode, (sound.value as { findings: unknown[] }).findings], [EXIT.done, []]);
  await rotateKeys(keysFolder, { now: NOW, what: "certificates", validity: { leafDays: 5 } });
  const later = await run("check", { now: new Date(NOW.getTime() + 6 * 86_400_000) });
  assert.equal(later.exitCode, EXIT.invalid);
  assert.equal(later.table?.rows.length, 3);
});
