// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts";
import { initKeys } from "@bulwark/pki";
import { createTestContext } from "../testing/context.ts";
import { readClusterJob } from "./job-input.ts";
import { nameSecrets, planSecrets } from "./release-secrets.ts";

const PLACE = { release: "pi", namespace: "team" };
const DATA = "data:\n  table: { path: table, key: patients, columns: { age: labels } }\n";

async function read(text: string) {
  const context = createTestContext();
  writeFileSync(join(context.home, "job.yaml"), `image: registry.example/spark:1\nname: pi\n${text}`);
  return { context, work: await readClusterJob(context, "job.yaml") };
}

test("what the user does not bring is made, under names of the release", async () => {
  const own = "application: a, applicationEntry: token, keys: k, password: p, keyring: r";
  const rows: [job: string, made: string[], names: Record<string, string>][] = [
    ["ui: { enabled: false }\n", ["pi-secret"], { application: "pi-secret", applicationEntry: "secret", keyring: "" }],
    ["security: { profile: tls }\n", ["pi-secret", "pi-tls"], { keys: "pi-tls", password: "pi-tls", keyring: "" }],
    [`${DATA}ui: { enabled: false }\n`, ["pi-secret", "pi-keyring"], { keyring: "pi-keyring" }],
    [`${DATA}security: { secrets: { ${own} } }\n`, [], { application: "a", applicationEntry: "token", keyring: "r" }],
    [`${DATA}security: { secrets: { keyring: r } }\n`, ["pi-secret", "pi-tls"], { keyring: "r", keys: "pi-tls" }],
  ];
  for (const [job, made, names] of rows) {
    const { context, work } = await read(job);
    await initKeys(context.paths.keys, { now: context.now(), keyNames: ["patients", "labels", "unused"] });
    const planned = await planSecrets(context, work, PLACE);
    assert.deepEqual(
      planned.secrets.map(({ metadata }) => metadata.name),
      made,
      job,
    );
    assert.deepEqual({ ...planned.names, ...names }, planned.names, job);
    assert.deepEqual(nameSecrets(work, PLACE.release).names, planned.names, job);
    const keyring = planned.secrets.find(({ metadata }) => metadata.name === "pi-keyring");
    const text = Buffer.from(keyring?.data?.["keyring.json"] ?? "", "base64").toString();
    if (keyring !== undefined) assert.ok(text.includes("labels") && !text.includes("unused"), "only the named keys");
  }
});

test("a key that the keyring lacks is told where the job file names it", async () => {
  const { context, work } = await read(DATA);
  await initKeys(context.paths.keys, { now: context.now(), keyNames: ["patients"] });
  const error = await planSecrets(context, work, PLACE).catch((found: unknown) => found);
  assert.ok(error instanceof BulwarkError);
  assert.deepEqual(
    error.findings.map(({ code, path, file, line, column }) => [code, path, file, line, column]),
    [["KEY_MISSING", "data.table.columns.age", "job.yaml", 4, 56]],
  );
});
