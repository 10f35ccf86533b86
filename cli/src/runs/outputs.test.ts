// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { BulwarkError } from "@bulwark/contracts";
import type { PlannedDataset } from "@bulwark/spark";
import { createTestFolder } from "../testing/context.ts";
import { checkDatasets, discardOutputs, prepareOutputs, publishOutputs } from "./outputs.ts";

function makeDataset(folder: string, name: string, overrides: Partial<PlannedDataset> = {}): PlannedDataset {
  return {
    name,
    mode: "write",
    path: join(folder, name),
    staging: join(folder, `.${name}.bulwark-run`),
    overwrite: false,
    key: "key",
    columns: {},
    ...overrides,
  };
}

const stage = (dataset: PlannedDataset, text: string): void => {
  mkdirSync(dataset.staging ?? "");
  writeFileSync(join(dataset.staging ?? "", "part-0"), text);
};

test("every missing input and every output in the way is a finding", async () => {
  const folder = createTestFolder();
  writeFileSync(join(folder, "there"), "");
  const datasets = [
    makeDataset(folder, "absent", { mode: "read", staging: undefined }),
    makeDataset(folder, "there"),
    makeDataset(folder, "there", { name: "replaced", overwrite: true }),
    makeDataset(folder, "there", { name: "input", mode: "read", staging: undefined }),
    makeDataset(folder, "new"),
  ];
  await assert.rejects(checkDatasets(datasets), (error: BulwarkError) => {
    assert.equal(error.code, "DATA_MISSING");
    assert.deepEqual(
      error.findings.map(({ code, path }) => [code, path]),
      [
        ["DATA_MISSING", "data.absent"],
        ["OUTPUT_EXISTS", "data.there"],
      ],
    );
    return true;
  });
  await checkDatasets(datasets.slice(2));
});

test("a finished output takes its place, and nothing else is left", async () => {
  const folder = createTestFolder();
  const fresh = makeDataset(join(folder, "deep", "er"), "fresh");
  const replaced = makeDataset(folder, "replaced", { overwrite: true });
  mkdirSync(replaced.path);
  writeFileSync(join(replaced.path, "old"), "old");
  await prepareOutputs([fresh, replaced]);
  stage(fresh, "fresh");
  stage(replaced, "new");
  await publishOutputs([fresh, replaced]);
  assert.equal(readFileSync(join(fresh.path, "part-0"), "utf8"), "fresh");
  assert.deepEqual(readdirSync(replaced.path), ["part-0"]);
  assert.deepEqual(readdirSync(folder).sort(), ["deep", "replaced"]);
  assert.deepEqual(readdirSync(join(folder, "deep", "er")), ["fresh"]);
});

test("an output that was not written takes nobody's place", async () => {
  const folder = createTestFolder();
  const dataset = makeDataset(folder, "kept", { overwrite: true });
  writeFileSync(dataset.path, "old");
  await publishOutputs([dataset]);
  assert.equal(readFileSync(dataset.path, "utf8"), "old");
});

test("an output that came up meanwhile is not overwritten unasked", async () => {
  const folder = createTestFolder();
  const first = makeDataset(folder, "first");
  const second = makeDataset(folder, "second");
  for (const dataset of [first, second]) stage(dataset, "new");
  mkdirSync(second.path);
  await assert.rejects(publishOutputs([first, second]), { code: "OUTPUT_EXISTS" });
  assert.deepEqual(readdirSync(second.path), []);
  assert.equal(existsSync(first.path), false, "all outputs of a job are published, or none");
});

test("what a failed job staged is gone, and what was there before is not", async () => {
  const folder = createTestFolder();
  const dataset = makeDataset(folder, "result", { overwrite: true });
  writeFileSync(dataset.path, "old");
  stage(dataset, "half");
  await discardOutputs([dataset, makeDataset(folder, "input", { staging: undefined })]);
  assert.equal(existsSync(dataset.staging ?? ""), false);
  assert.equal(readFileSync(dataset.path, "utf8"), "old");
});

test("what a crash between two renames left is mended when the job runs again", async () => {
  const folder = createTestFolder();
  const dataset = makeDataset(folder, "result", { overwrite: true });
  const former = join(folder, ".bulwark-former-result");
  mkdirSync(former);
  writeFileSync(join(former, "old"), "old");
  await prepareOutputs([dataset]);
  assert.deepEqual(readdirSync(dataset.path), ["old"]);
  mkdirSync(former);
  await prepareOutputs([dataset]);
  assert.deepEqual(readdirSync(folder), ["result"]);
});
