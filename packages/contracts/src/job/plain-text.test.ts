// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import fc from "fast-check";
import type { KeyDescription } from "../document/describe.ts";
import { FORMS } from "../document/forms.ts";
import { BulwarkError, type Finding } from "../errors/index.ts";
import { renderChartSchema } from "../reference/index.ts";
import { JOB_KEYS } from "./generated/keys.ts";
import { parseJobFile } from "./parse.ts";

const fitsChart = new Ajv({ strict: false }).compile(JSON.parse(renderChartSchema()));

/** What an entry must have beside the key that is looked at. */
const BESIDE: Readonly<Record<string, object>> = {
  "data.x": { path: "a" },
  "volumes.x": { mountPath: "/mnt/x" },
  "network.allow.x": { cidr: "10.0.0.0/8" },
};

/** A job file with one value at a path. */
function nest(path: readonly string[], value: unknown): Record<string, unknown> {
  const nested = path.reduceRight<unknown>((inner, name, index) => {
    const owner = BESIDE[path.slice(0, index).join(".")];
    return { ...owner, [name]: inner };
  }, value);
  const hasProgram = path[0] === "jar" || path[0] === "python";
  return { ...(hasProgram ? {} : { python: "a.py" }), ...(nested as object) };
}

function findingsOf(job: object): readonly Finding[] {
  try {
    parseJobFile(JSON.stringify(job), { file: "job.yaml" });
    return [];
  } catch (error) {
    assert.ok(error instanceof BulwarkError && error.code === "JOB_INVALID", String(error));
    return error.findings;
  }
}

const MULTILINE = ["program", "args"];

/** Values with a text at a key: the value itself, an entry, the name of an entry, or deep within a part of a pod. */
function valuesWith({ type, items }: KeyDescription, text: string): unknown[] {
  if (type === "list") return items?.type === "map" ? [[{ a: text }], [{ [text]: "a" }]] : [[text]];
  if (type === "map") return [{ a: text }, { [text]: "a" }, { a: [{ b: text }] }];
  return [text];
}

/** Types of values that are text, whatever its form. */
const TEXTS: readonly string[] = [...Object.keys(FORMS), "text"];

const exampleOf = ({ type, items, default: value, choices }: KeyDescription): string => {
  const form = items?.type ?? type;
  if (Object.hasOwn(FORMS, form)) return FORMS[form as keyof typeof FORMS].example;
  return choices?.[0] ?? (typeof value === "string" ? value : "a");
};

test("no text of any key may have a control character or a separator of lines, nor may a name", () => {
  const keys = JOB_KEYS.filter(({ key }) => !MULTILINE.includes(key));
  assert.ok(keys.length > 100, "the keys were not read");
  const character = fc.constantFrom(..."\n\r\u0085\u2028\u2029\0\t\v\f\x1b\x7f\x80\x9f");
  for (const described of keys) {
    const path = described.key.replaceAll("NAME", "x").split(".");
    const example = exampleOf(described);
    fc.assert(
      fc.property(character, fc.constantFrom(0, 1, 1000), (wrong, index) => {
        const text = `${example.slice(0, index)}${wrong}${example.slice(index)}`;
        for (const value of valuesWith(described, text)) {
          const job = nest(path, value);
          const about = findingsOf(job).filter((finding) => finding.path?.startsWith(path.join(".")));
          assert.notDeepEqual(about, [], JSON.stringify(job));
          assert.equal(fitsChart(job), false, JSON.stringify(job));
        }
      }),
      { numRuns: 8 },
    );
    // Without it, the schema has nothing against such a value.
    const plain = valuesWith(described, example).some((value) => fitsChart(nest(path, value)));
    if (TEXTS.includes(described.type)) assert.ok(plain, described.key);
  }
});

test("what gets a setting no line break is told at its place", () => {
  const rows: [path: string[], value: unknown, code: string, at: string][] = [
    [["pyFiles"], ["a.py\nspark.authenticate=false"], "JOB_VALUE_INVALID", "pyFiles.0"],
    [["executor", "env"], { A: "x\u0085spark.plugins=" }, "JOB_VALUE_INVALID", "executor.env.A"],
    [["eventLog"], { pvc: "logs", dir: "a\u2028b" }, "JOB_VALUE_INVALID", "eventLog.dir"],
    [["nodeSelector"], { "a\rb": "c" }, "JOB_VALUE_INVALID", "nodeSelector.a\rb"],
    [["sparkConf"], { "spark.a": "x\u0085spark.authenticate=false" }, "JOB_SETTING_REFUSED", "sparkConf.spark.a"],
    [["sparkConf"], { "spark.a": "x\n" }, "JOB_SETTING_REFUSED", "sparkConf.spark.a"],
    [["args"], ["a\0b"], "JOB_VALUE_INVALID", "args.0"],
  ];
  for (const [path, value, code, at] of rows) {
    const job = nest(path, value);
    assert.deepEqual(
      findingsOf(job).map((finding) => [finding.code, finding.path]),
      [[code, at]],
    );
    assert.equal(fitsChart(job), false, at);
  }
});

test("files of the program and arguments may have lines", () => {
  const job = { python: "a.py", program: { "a.py": "print(1)\n\f\tx" }, args: ["SELECT 1\n  FROM t\u2028", "\t"] };
  assert.deepEqual(findingsOf(job), []);
  assert.ok(fitsChart(job), JSON.stringify(fitsChart.errors));
});

/** Places of addresses, each with an address that has credentials. */
const ADDRESSES: readonly [path: string[], value: unknown, at: string][] = [
  [["jar"], "https://user:hunter2@x.example/a.jar", "jar"],
  [["python"], "HTTPS://hunter2@x.example/a.py", "python"],
  [["jars"], ["a.jar", "https://user:hunter2@x.example/a.jar"], "jars.1"],
  [["pyFiles"], ["s3a://KEY:hunter2@bucket/x"], "pyFiles.0"],
  [["files"], ["hdfs://user:hunter2@name/x"], "files.0"],
  [["eventLog", "dir"], "s3a://KEY:hunter2@bucket/x", "eventLog.dir"],
  [["maven", "mirror"], "https://user:hunter2@x.example/", "maven.mirror"],
  [["k8sMaster"], "k8s://https://user:hunter2@x.example:6443", "k8sMaster"],
  [["data"], { a: { path: "s3a://hunter2@bucket/x" } }, "data.a.path"],
  [["args"], ["--from=jdbc:postgresql://user:hunter2@db/x"], "args.0"],
  [["executor", "env"], { FROM: "https://user:hunter2@x.example" }, "executor.env.FROM"],
  [["driver", "podTemplate", "annotations"], { a: "https://:hunter2@x" }, "driver.podTemplate.annotations.a"],
  [["sparkConf"], { "spark.jars.repositories": "https://user:hunter2@x" }, "sparkConf.spark.jars.repositories"],
];

test("credentials in an address are refused wherever it stands, and in no finding", () => {
  for (const [path, value, at] of ADDRESSES) {
    const job = nest(path, value);
    const found = findingsOf(job);
    assert.deepEqual(
      found.map((finding) => [finding.code, finding.path]),
      [[path[0] === "sparkConf" ? "JOB_SETTING_REFUSED" : "JOB_VALUE_INVALID", at]],
    );
    assert.equal(JSON.stringify(found).includes("hunter2"), false, at);
    assert.equal(fitsChart(job), false, at);
  }
  const [finding] = findingsOf({ python: "a.py", maven: { mirror: "http://user:hunter2@x.example" } });
  assert.equal(finding?.code, "JOB_TYPE_WRONG");
  assert.equal(JSON.stringify(finding).includes("hunter2"), false);
});

test("an @ elsewhere in an address is none", () => {
  const right = [
    "abfss://container@account.dfs.core.windows.net/x",
    "wasbs://container@account.blob.core.windows.net/x",
    "https://x.example:8443/@scope/a.jar",
    "https://x.example/?a=b:c@d",
    "s3a://bucket/a:b@c",
    "team@x.example",
  ];
  const job = { python: "a.py", args: right, jars: right, files: right };
  assert.deepEqual(findingsOf(job), []);
  assert.ok(fitsChart(job), JSON.stringify(fitsChart.errors));
});
