// SPDX-License-Identifier: Apache-2.0
// What `run` finds to be absent is told with the line of the job file that names it, before anything starts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Finding } from "../../packages/contracts/src/index.ts";
import { type Home, makeHome } from "./harness.ts";

const EXIT_INVALID = 3;
const JOB = `name: etl
python: app.py
pyFiles:
  - gone.zip
data:
  table: { path: table, key: patients }
  result:
    path: result
    mode: write
    key: labels
    columns: { age: absent }
`;

let home: Home;
before(async () => {
  home = await makeHome("patients", "labels");
});
after(() => home.remove());

/** The findings with which a run is refused: code, path and place of each. */
async function findingsOf(job: string, ...flags: string[]): Promise<string[]> {
  const file = await home.write("job.yaml", job);
  const { code, stdout, stderr } = await home.startRun(file, "-o", "json", ...flags).ended;
  assert.equal(code, EXIT_INVALID, stderr);
  const { findings } = JSON.parse(stdout).error as { findings: Finding[] };
  return findings.map(({ code: kind, path, file: where, line, column }) => {
    assert.ok(where === file || where === "command line", where);
    return `${kind} ${path} ${where === file ? `${line}:${column}` : where}`;
  });
}

test("each absent file, key and dataset is found at once, where the job file names it", async () => {
  await home.write("result", "");
  const data = ["DATA_MISSING data.table 6:10", "OUTPUT_EXISTS data.result 8:5"];
  assert.deepEqual(await findingsOf(JOB), [
    "JOB_FILE_REFERENCE python 2:9",
    "JOB_FILE_REFERENCE pyFiles.0 4:5",
    ...data,
    "KEY_MISSING data.result.columns.age 11:21",
  ]);
  await home.write("app.py", "");
  await home.write("gone.zip", "");
  assert.deepEqual(await findingsOf(JOB.replace("absent", "labels")), data);
});

test("with flags on top, what the file says keeps its line, and what a flag says has none", async () => {
  const job = "name: etl\n\njar: absent.jar\nclass: com.example.Main\n";
  assert.deepEqual(await findingsOf(job, "--name", "other", "--executor-memory", "900g"), [
    "JOB_TOO_LARGE executor 1:1",
    "JOB_FILE_REFERENCE jar 3:6",
  ]);
  assert.deepEqual(await findingsOf("jar: app.py\nclass: A\n", "--class", "B"), [
    "JOB_FILE_REFERENCE class command line",
  ]);
});
