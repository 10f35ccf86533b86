// SPDX-License-Identifier: Apache-2.0
// What a job file for a cluster may say is what submit takes; test/tool.test.ts has the command as a whole.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { beforeEach, test } from "node:test";
import { DEFAULTS } from "../config/settings.ts";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const PI = "name: pi\nimage: registry.example/spark:1\nexecutor: { instances: 2 }\nui: { enabled: false }\n";

let home: string;
let runner: ReturnType<typeof createRunner>;

beforeEach(() => {
  home = createTestFolder();
  runner = createRunner(home);
  writeFileSync(join(home, "pi.yaml"), PI);
});

test("a job for a cluster needs no program, one for this machine does", async () => {
  const settings = { ...DEFAULTS, target: "cluster" as const };
  for (const [line, overrides] of [
    ["validate --cluster pi.yaml", {}],
    ["validate --cluster -", { stdin: new PassThrough().end(PI) }],
    ["validate pi.yaml", { settings }],
  ] as const) {
    const { value } = await runner.run(line, overrides);
    assert.equal((value as { items: { name: string }[] }).items[0]?.name, "pi", line);
  }
  assert.equal((await runner.failureOf("validate pi.yaml")).findings[0]?.code, "JOB_CONFLICT");
});

test("what submit refuses without a server is refused, of all files at once", async () => {
  writeFileSync(join(home, "files.yaml"), `${PI}python: absent.py\n`);
  writeFileSync(join(home, "image.yaml"), "name: pi\n");
  const { code, findings } = await runner.failureOf("validate --cluster files.yaml image.yaml pi.yaml");
  assert.equal(code, "JOB_INVALID");
  assert.deepEqual(
    findings.map(({ code: one, path, file }) => [one, path, file]),
    [
      ["JOB_FILE_REFERENCE", "python", "files.yaml"],
      ["JOB_CONFLICT", undefined, "image.yaml"],
    ],
  );
});

test("what mends a job for a cluster is to check it as one", async () => {
  writeFileSync(join(home, "wrong.yaml"), `${PI}excutor: {}\n`);
  for (const line of ["submit -f wrong.yaml", "validate --cluster wrong.yaml"]) {
    const { mend } = await runner.failureOf(line);
    assert.ok(mend.includes("bulwark validate --cluster wrong.yaml"), line);
  }
});
