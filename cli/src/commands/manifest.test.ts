// SPDX-License-Identifier: Apache-2.0
// What the command makes of a rendered release; test/gramine-manifest.test.ts does the same with the real chart.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Finding } from "@bulwark/contracts";
import { parseAllDocuments } from "yaml";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const RENDERED = fileURLToPath(new URL("../../../test/chart/golden/sgx.yaml", import.meta.url));
const IMAGE = `registry.example/spark@sha256:${"ab".repeat(32)}`;
const JOB = `image: ${IMAGE}
name: pi
python: /a.py
trust: { tee: sgx }
driver: { memory: 2g, enclave: 8g }
data:
  table: { path: table, key: patients }
`;
const CLASS_PATH = "/opt/bulwark/bulwark.jar:/opt/spark/jars/spark-core.jar";
const LINE = "manifest -f job.yaml -n team --class-path classpath --to out";

let home: string;
let runner: ReturnType<typeof createRunner>;

beforeEach(() => {
  home = createTestFolder();
  runner = createRunner(home);
  write("job.yaml", JOB);
  write("classpath", `${CLASS_PATH}\n`);
  // In place of Helm: it keeps what it was told, and prints what the real one made of a job like this.
  const keep = `echo "$*" > '${home}/helm.log'; while [ "$1" != --values ]; do shift; done; cp "$2" '${home}/values.json'`;
  write("helm", `#!/bin/sh\n[ "$1" = version ] && exec echo v3.22.0\n${keep}\ncat '${RENDERED}'\n`);
  chmodSync(join(home, "helm"), 0o755);
});

const write = (name: string, text: string): void => writeFileSync(join(home, name), text);
const read = (name: string): string => readFileSync(join(home, name), "utf8");
const run = (line = LINE, path = `${home}:/usr/bin:/bin`) => runner.run(line, { env: { PATH: path } });
const failureOf = (line = LINE, path = `${home}:/usr/bin:/bin`) => runner.failureOf(line, { env: { PATH: path } });
const brief = ({ code, path, file, line, column }: Finding): string =>
  [code, path, file, line, column].join(" ").trim();

test("both manifests measure what the chart mounts, as the job would be submitted", async () => {
  const { value } = await run();
  const { items } = value as { items: { role: string; file: string; sha256: string; enclaveBytes: number }[] };
  assert.deepEqual(
    items.map(({ role, file, enclaveBytes }) => [role, file, enclaveBytes]),
    [
      ["driver", join(home, "out", "driver.manifest"), 8 * 2 ** 30],
      ["executor", join(home, "out", "executor.manifest"), 2 * 2 ** 30],
    ],
  );
  const objects = parseAllDocuments(readFileSync(RENDERED, "utf8")).map((one) => one.toJS());
  const { data } = objects.find(({ kind }) => kind === "ConfigMap");
  for (const { role, file, sha256 } of items) {
    const manifest = readFileSync(file, "utf8");
    const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
    assert.equal(sha256, digest(manifest));
    assert.equal(statSync(file).mode & 0o777, 0o644);
    const names = role === "driver" ? ["driver.jvm", "spark.properties", "executor.yaml"] : ["executor.jvm"];
    for (const name of [...names, "log4j2.properties"]) {
      assert.ok(
        manifest.includes(`{ uri = "file:/etc/bulwark/conf/${name}", sha256 = "${digest(data[name])}" }`),
        name,
      );
    }
    assert.equal(manifest.includes('"local:///a.py"'), role === "driver");
    assert.ok(manifest.includes(`"${CLASS_PATH}"`));
    assert.ok(manifest.includes('"file:/a.py"'), "the program is trusted, since it lies outside what every image has");
  }
  assert.match(read("helm.log"), /^template pi .*--namespace team\n$/);
  // The settings depend on which Secrets there will be; nothing of the keys themselves is needed.
  assert.equal(JSON.parse(read("values.json")).security.secrets.keyring, "pi-keyring");
});

test("the same job gives the same bytes, in place of those before, and nothing lies beside them", async () => {
  await run();
  const before = read("out/driver.manifest");
  write("out/executor.manifest", "older");
  await run();
  assert.equal(read("out/driver.manifest"), before);
  assert.notEqual(read("out/executor.manifest"), "older");
  assert.deepEqual(readdirSync(join(home, "out")), ["driver.manifest", "executor.manifest"]);
});

test("flags say what the image has beside the usual, and who the enclave is", async () => {
  await run(`${LINE} --java /opt/java/bin/java --read /srv/models/ --read /srv/a --product 7 --security-version 2`);
  const manifest = read("out/executor.manifest");
  for (const text of [
    'libos.entrypoint = "/opt/java/bin/java"',
    '"file:/srv/models/"',
    '"file:/srv/a"',
    "sgx.isvprodid = 7",
    "sgx.isvsvn = 2",
  ]) {
    assert.ok(manifest.includes(text), text);
  }
});

test("what is wrong with job file and class path is told at once, each with its place", async () => {
  write("job.yaml", JOB.replace("sgx", "none"));
  write("classpath", "/opt/bulwark/bulwark.jar:spark.jar\n-Xmx1g\n");
  const { code, findings } = await failureOf();
  assert.equal(code, "JOB_CONFLICT");
  assert.deepEqual(findings.map(brief), [
    "JOB_CONFLICT trust.tee job.yaml 4 15",
    "CLASS_PATH_INVALID  classpath 1 26",
    "CLASS_PATH_INVALID  classpath 2 1",
  ]);
  assert.ok(!existsSync(join(home, "out")));
});

test("wrong input is a coded error, and nothing is written", async () => {
  write("bad.yaml", `${JOB}excutor: {}\n`);
  write("none.yaml", JOB.replace("trust: { tee: sgx }\n", ""));
  write("empty", "\n");
  write("binary", "/a.jar\0");
  write("large", `/${"a".repeat(1024 ** 2)}.jar`);
  mkdirSync(join(home, "folder"));
  const rows: [code: string, places: string[], line: string, path?: string][] = [
    ["JOB_INVALID", ["JOB_KEY_UNKNOWN excutor bad.yaml 8 1"], LINE.replace("job.yaml", "bad.yaml")],
    ["JOB_CONFLICT", ["JOB_CONFLICT trust.tee none.yaml 1 1"], LINE.replace("job.yaml", "none.yaml")],
    ["JOB_FILE_MISSING", [], LINE.replace("job.yaml", "absent.yaml")],
    ["CLASS_PATH_INVALID", ["CLASS_PATH_INVALID  absent"], LINE.replace(" classpath", " absent")],
    ["CLASS_PATH_INVALID", ["CLASS_PATH_INVALID  folder"], LINE.replace(" classpath", " folder")],
    ["CLASS_PATH_INVALID", ["CLASS_PATH_INVALID  empty 1"], LINE.replace(" classpath", " empty")],
    ["CLASS_PATH_INVALID", ["CLASS_PATH_INVALID  binary 1"], LINE.replace(" classpath", " binary")],
    ["CLASS_PATH_INVALID", ["CLASS_PATH_INVALID  large 1"], LINE.replace(" classpath", " large")],
    ["NAMESPACE_UNKNOWN", [], LINE.replace("team", "Team")],
    ["RELEASE_NAME_INVALID", [], LINE.replace("manifest", `manifest ${"a".repeat(200)}`)],
    ["HELM_MISSING", [], LINE, "/nowhere"],
    ["MANIFEST_UNWRITABLE", [], LINE.replace(" out", " job.yaml")],
  ];
  for (const [code, places, line, path] of rows) {
    const error = await failureOf(line, path);
    assert.deepEqual([error.code, error.findings.map((found) => brief(found).trim())], [code, places], line);
    assert.ok(!existsSync(join(home, "out")), line);
  }
});

test("flags that do not fit are usage", async () => {
  for (const flag of [
    "--read models/",
    "--java java",
    "--java-major 11",
    "--product 65536",
    "--security-version -1",
    "--product 1.5",
  ]) {
    assert.equal((await failureOf(`${LINE} ${flag}`)).code, "USAGE", flag);
  }
  for (const flag of ["-f job.yaml", "-n team", "--class-path classpath"]) {
    assert.equal((await failureOf(LINE.replace(` ${flag}`, ""))).code, "USAGE", flag);
  }
});

test("options that only Spark would hand to executors are warned of", async () => {
  write("job.yaml", `${JOB}sparkConf:\n  spark.executor.extraJavaOptions: -Xss2m\n`);
  const { context } = await run();
  assert.match(context.stderr.text(), /job\.yaml:9 .*spark\.executor\.extraJavaOptions/);
});
