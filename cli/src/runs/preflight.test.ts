// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type BulwarkError, parseJobFile } from "@bulwark/contracts";
import { createTestFolder } from "../testing/context.ts";
import { makeZip } from "../testing/zip.ts";
import { checkAgainstMachine } from "./preflight.ts";

const GIB = 1024 ** 3;
const folder = createTestFolder();
writeFileSync(join(folder, "app.jar"), makeZip(["com/example/Main.class"]));
writeFileSync(join(folder, "app é.py"), "");
mkdirSync(join(folder, "folder"));

const readJob = (tree: object) => parseJobFile(JSON.stringify(tree), { file: "job.yaml" }).job;

async function findingsOf(tree: object, memoryBytes = 64 * GIB): Promise<[string, string | undefined][]> {
  try {
    await checkAgainstMachine(readJob(tree), folder, memoryBytes);
    return [];
  } catch (error) {
    const { code, findings } = error as BulwarkError;
    assert.equal(code, "JOB_INVALID");
    return findings.map((finding) => [finding.code, finding.path]);
  }
}

test("a job whose files, class and memory are there passes", async () => {
  assert.deepEqual(await findingsOf({ jar: "app.jar", class: "com.example.Main" }), []);
  assert.deepEqual(await findingsOf({ python: "app é.py", pyFiles: [join(folder, "app é.py")] }), []);
});

test("everything that is missing is told at once", async () => {
  assert.deepEqual(
    await findingsOf({ jar: "absent.jar", class: "A", jars: ["folder", "app.jar"], files: ["x"] }, GIB),
    [
      ["JOB_FILE_REFERENCE", "jar"],
      ["JOB_FILE_REFERENCE", "jars.0"],
      ["JOB_FILE_REFERENCE", "files.0"],
      ["JOB_TOO_LARGE", "executor"],
    ],
  );
});

test("a class is looked for in the jar, inner ones too", async () => {
  assert.deepEqual(await findingsOf({ jar: "app.jar", class: "com.example.Mian" }), [["JOB_FILE_REFERENCE", "class"]]);
  assert.deepEqual(await findingsOf({ jar: "app é.py", class: "com.example.Main" }), [["JOB_FILE_REFERENCE", "class"]]);
});

test("heaps and what each JVM takes beside them must fit", async () => {
  const job = { python: "app é.py", driver: { memory: "1g" }, executor: { instances: 2, memory: "2g" } };
  const needed = 5 * GIB + 3 * 384 * 1024 ** 2;
  assert.deepEqual(await findingsOf(job, needed), []);
  assert.deepEqual(await findingsOf(job, needed - 1), [["JOB_TOO_LARGE", "executor"]]);
});

test("a job that demands a TEE is refused, never run without", async () => {
  const job = readJob({ python: "app é.py", trust: { tee: "sgx" } });
  await assert.rejects(checkAgainstMachine(job, folder, 64 * GIB), (error: BulwarkError) => {
    assert.equal(error.code, "TEE_ABSENT");
    assert.deepEqual(
      error.findings.map(({ path }) => path),
      ["trust.tee"],
    );
    return true;
  });
});
