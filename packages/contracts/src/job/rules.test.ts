// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJobFile } from "./parse.ts";
import { RULES } from "./rules.ts";
import type { JobFile } from "./schema.ts";

const { job: BASE } = parseJobFile("python: app.py", { file: "job.yaml" });
const { python: _, ...NO_PROGRAM } = BASE;
const dataset = (changes: Partial<JobFile["data"][string]>): JobFile["data"][string] => ({
  path: "a",
  mode: "read",
  columns: {},
  overwrite: false,
  ...changes,
});
const withData = (data: Record<string, Partial<JobFile["data"][string]>>): Partial<JobFile> => ({
  data: Object.fromEntries(Object.entries(data).map(([name, changes]) => [name, dataset(changes)])),
});
const write = (path: string) => ({ path, mode: "write" as const });
const driver = (changes: Partial<JobFile["driver"]>) => ({ driver: { ...BASE.driver, ...changes } });
const executor = (changes: Partial<JobFile["executor"]>) => ({ executor: { ...BASE.executor, ...changes } });

const tee = (name: JobFile["trust"]["tee"]) => ({ trust: { ...BASE.trust, tee: name } });
const volume = (changes: Partial<JobFile["volumes"][string]>): JobFile["volumes"][string] => ({
  mountPath: "/mnt/a",
  memory: false,
  readOnly: true,
  roles: ["driver"],
  ...changes,
});

type Case = { job: Partial<JobFile> | JobFile; found: [string, string][] };

/** Each rule alone: jobs it passes (nothing found) and jobs it does not, with code and path. */
const CASES: Readonly<Record<string, Case[]>> = {
  oneProgram: [
    { job: BASE, found: [] },
    { job: { ...NO_PROGRAM, jar: "a.jar" }, found: [] },
    { job: { jar: "a.jar" }, found: [["JOB_CONFLICT", "python"]] },
    { job: NO_PROGRAM, found: [["JOB_CONFLICT", ""]] },
    { job: { ...NO_PROGRAM, class: "X" }, found: [["JOB_CONFLICT", "class"]] },
  ],
  classNeedsJar: [
    { job: { ...NO_PROGRAM, jar: "a.jar", class: "X" }, found: [] },
    { job: { class: "X" }, found: [["JOB_CONFLICT", "class"]] },
  ],
  columnKeysNeedFooterKey: [
    { job: withData({ a: { columns: { c: "k" }, key: "k" } }), found: [] },
    { job: withData({ a: { columns: { c: "k" } } }), found: [["JOB_CONFLICT", "data.a.columns"]] },
  ],
  overwriteNeedsWrite: [
    { job: withData({ a: { overwrite: true, mode: "write" } }), found: [] },
    { job: withData({ a: { overwrite: true } }), found: [["JOB_CONFLICT", "data.a.overwrite"]] },
  ],
  ownFolderPerOutput: [
    { job: withData({ a: write("x"), b: write("y"), c: { path: "z" }, d: { path: "z" } }), found: [] },
    { job: withData({ a: write("x"), b: write("xy") }), found: [] },
    { job: withData({ a: write("x"), b: write("./x/") }), found: [["JOB_CONFLICT", "data.b.path"]] },
    { job: withData({ a: write("x/y"), b: write("x") }), found: [["JOB_CONFLICT", "data.b.path"]] },
    { job: withData({ a: write("x"), b: { path: "x" } }), found: [["JOB_CONFLICT", "data.a.path"]] },
    { job: withData({ a: { path: "x" }, b: write("x/out") }), found: [["JOB_CONFLICT", "data.b.path"]] },
  ],
  knownDatasets: [
    { job: { args: ["{data.a}", "{other}"], ...withData({ a: {} }) }, found: [] },
    { job: { args: ["x", "in={data.b}"], ...withData({ a: {} }) }, found: [["JOB_VALUE_INVALID", "args.1"]] },
    { job: { args: ["{data.toString}"] }, found: [["JOB_VALUE_INVALID", "args.0"]] },
  ],
  safeDownloads: [
    { job: { jars: ["https://x.example/a.jar", "b.jar", "local:///c.jar"] }, found: [] },
    { job: { jars: ["b.jar", "http://x.example/a.jar"] }, found: [["JOB_VALUE_INVALID", "jars.1"]] },
    { job: { python: "FTP://x.example/a.py" }, found: [["JOB_VALUE_INVALID", "python"]] },
  ],
  driverHeap: [
    { job: driver({ memory: "512m" }), found: [] },
    { job: driver({ memory: "511m" }), found: [["JOB_VALUE_INVALID", "driver.memory"]] },
    { job: driver({ memory: "17t" }), found: [["JOB_VALUE_INVALID", "driver.memory"]] },
  ],
  executorHeap: [
    { job: executor({ memory: "16T" }), found: [] },
    { job: executor({ memory: "1k" }), found: [["JOB_VALUE_INVALID", "executor.memory"]] },
    { job: executor({ memory: "99999999999999999999g" }), found: [["JOB_VALUE_INVALID", "executor.memory"]] },
  ],
  saneCores: [
    { job: executor({ instances: 1000, cores: 50 }), found: [] },
    { job: executor({ instances: 1000, cores: 51 }), found: [["JOB_VALUE_INVALID", "executor.cores"]] },
  ],
  timeout: [
    { job: { timeout: "1s" }, found: [] },
    { job: { timeout: "0h" }, found: [["JOB_VALUE_INVALID", "timeout"]] },
    { job: { timeout: "8761h" }, found: [["JOB_VALUE_INVALID", "timeout"]] },
  ],
  startTimeout: [
    { job: { startTimeout: "10m" }, found: [] },
    { job: { startTimeout: "999ms" }, found: [["JOB_VALUE_INVALID", "startTimeout"]] },
  ],
  refusedSettings: [
    { job: { sparkConf: { "spark.sql.ansi.enabled": true } }, found: [] },
    { job: { sparkConf: { "spark.master": "local" } }, found: [["JOB_SETTING_REFUSED", "sparkConf.spark.master"]] },
  ],
  driverVariables: [
    { job: driver({ env: { TZ: "UTC" } }), found: [] },
    { job: driver({ env: { SPARK_HOME: "/x" } }), found: [["JOB_SETTING_REFUSED", "driver.env.SPARK_HOME"]] },
  ],
  executorVariables: [
    { job: executor({ env: { TZ: "UTC" } }), found: [] },
    { job: executor({ env: { CLASSPATH: "/x" } }), found: [["JOB_SETTING_REFUSED", "executor.env.CLASSPATH"]] },
  ],
  plainText: [
    { job: { files: ["a b", "ä"] }, found: [] },
    { job: { program: { "a.py": "a\nb" }, sparkConf: { "spark.a": "left to its own rule\n" } }, found: [] },
    { job: { files: ["a\u0085b"] }, found: [["JOB_VALUE_INVALID", "files.0"]] },
    { job: { files: ["https://a:b@c/d"] }, found: [["JOB_VALUE_INVALID", "files.0"]] },
  ],
  imageGiven: [
    { job: { image: "a:1" }, found: [] },
    { job: BASE, found: [["JOB_CONFLICT", ""]] },
  ],
  imageByDigest: [
    { job: { image: "a:1" }, found: [] },
    { job: { image: `a@sha256:${"0".repeat(64)}`, ...tee("snp") }, found: [] },
    { job: { image: "a:1", ...tee("simulation") }, found: [] },
    { job: { image: "a:1", ...tee("sgx") }, found: [["JOB_VALUE_INVALID", "image"]] },
    { job: { image: "a@sha256:0", ...tee("tdx") }, found: [["JOB_VALUE_INVALID", "image"]] },
  ],
  enclaveOfLauncher: [
    { job: { deployMode: "cluster" }, found: [] },
    { job: { trust: { ...BASE.trust, tee: "sgx" } }, found: [] },
    { job: { deployMode: "cluster", trust: { ...BASE.trust, tee: "sgx" } }, found: [["JOB_CONFLICT", "deployMode"]] },
  ],
  releaseExists: [
    { job: BASE, found: [] },
    { job: { trust: { ...BASE.trust, release: "attested" } }, found: [["JOB_VALUE_INVALID", "trust.release"]] },
  ],
  driverEnclave: [
    { job: { ...driver({ enclave: "1g" }) }, found: [] },
    { job: { ...driver({ enclave: "2g" }), ...tee("sgx") }, found: [] },
    { job: { ...driver({ enclave: "1g" }), ...tee("sgx") }, found: [["JOB_VALUE_INVALID", "driver.enclave"]] },
  ],
  executorEnclave: [
    { job: { ...executor({ memory: "10g", enclave: "16g" }), ...tee("sgx") }, found: [] },
    { job: { ...executor({ enclave: "3g" }), ...tee("sgx") }, found: [["JOB_VALUE_INVALID", "executor.enclave"]] },
    {
      job: { ...executor({ memory: "10g", memoryOverhead: "5g", enclave: "14g" }), ...tee("sgx") },
      found: [["JOB_VALUE_INVALID", "executor.enclave"]],
    },
  ],
  runtimeClass: [
    { job: { trust: { ...BASE.trust, runtimeClass: "kata-qemu-tdx-runtime-rs" } }, found: [] },
    {
      job: { trust: { ...BASE.trust, runtimeClass: "kata-qemu-tdx-debug" } },
      found: [["JOB_VALUE_INVALID", "trust.runtimeClass"]],
    },
    {
      job: {
        ...tee("tdx"),
        ...driver({ podTemplate: { ...BASE.driver.podTemplate, runtimeClassName: "gvisor" } }),
      },
      found: [["JOB_CONFLICT", "driver.podTemplate.runtimeClassName"]],
    },
  ],
  oneSourcePerVolume: [
    { job: { volumes: { a: volume({ claim: "c" }), b: volume({ scratch: "1g" }) } }, found: [] },
    { job: { volumes: { a: volume({}) } }, found: [["JOB_CONFLICT", "volumes.a"]] },
    { job: { volumes: { a: volume({ claim: "c", secret: "s" }) } }, found: [["JOB_CONFLICT", "volumes.a"]] },
    {
      job: { volumes: { a: volume({ claim: "c", mountPath: "/etc/bulwark/conf" }) } },
      found: [["JOB_VALUE_INVALID", "volumes.a.mountPath"]],
    },
  ],
  ownPlacePerVolume: [
    { job: { volumes: { a: volume({ claim: "c" }), b: volume({ claim: "d", mountPath: "/mnt/b" }) } }, found: [] },
    { job: { volumes: { a: volume({ claim: "c" }), b: volume({ claim: "d", roles: ["executor"] }) } }, found: [] },
    {
      job: { volumes: { a: volume({ claim: "c" }), b: volume({ claim: "d", roles: ["executor", "driver"] }) } },
      found: [["JOB_CONFLICT", "volumes.b.mountPath"]],
    },
  ],
  schedule: [
    { job: { schedule: "0-30/5,40 4 * JAN-dec Mon-Fri" }, found: [] },
    { job: { schedule: "30-0 4 * * *" }, found: [["JOB_VALUE_INVALID", "schedule"]] },
    { job: { schedule: "0 4 * * SAT-mon" }, found: [["JOB_VALUE_INVALID", "schedule"]] },
  ],
  timeZone: [
    { job: { timeZone: "Europe/Berlin" }, found: [] },
    { job: { timeZone: "Asia/Kolkata" }, found: [] },
    { job: { timeZone: "Mars/Phobos" }, found: [["JOB_VALUE_INVALID", "timeZone"]] },
    { job: { timeZone: "EUROPE/BERLIN" }, found: [["JOB_VALUE_INVALID", "timeZone"]] },
  ],
  programFits: [
    { job: { program: { "a.py": "print(1)", "b.jar": "base64:QUJD" } }, found: [] },
    { job: { program: { "a.py": "x".repeat(700_001) } }, found: [["JOB_VALUE_INVALID", "program"]] },
    { job: { program: { "b.jar": "base64:ä" } }, found: [["JOB_VALUE_INVALID", "program.b.jar"]] },
  ],
  allocationRange: [
    { job: { dynamicAllocation: { ...BASE.dynamicAllocation, minimum: 20 } }, found: [] },
    {
      job: { dynamicAllocation: { ...BASE.dynamicAllocation, enabled: true, minimum: 20 } },
      found: [["JOB_CONFLICT", "dynamicAllocation.minimum"]],
    },
  ],
  kueue: [
    { job: { queue: { scheduler: "kueue", name: "team" } }, found: [] },
    { job: { queue: { scheduler: "kueue", name: "" } }, found: [["JOB_CONFLICT", "queue.scheduler"]] },
    {
      job: {
        queue: { scheduler: "kueue", name: "team" },
        dynamicAllocation: { ...BASE.dynamicAllocation, enabled: true },
      },
      found: [["JOB_CONFLICT", "dynamicAllocation.enabled"]],
    },
  ],
  eventLogPlace: [
    { job: { eventLog: { enabled: true, pvc: "logs", dir: "spark" } }, found: [] },
    { job: { eventLog: { enabled: true, dir: "s3a://logs/spark" } }, found: [] },
    { job: { eventLog: { enabled: true, dir: "spark" } }, found: [["JOB_CONFLICT", "eventLog.dir"]] },
  ],
};

test("every rule has its cases", () => {
  assert.deepEqual(Object.keys(CASES), Object.keys(RULES));
});

for (const [name, rule] of Object.entries(RULES)) {
  for (const [index, { job, found }] of (CASES[name] ?? []).entries()) {
    test(`${name}, case ${index + 1}`, () => {
      // A job without program is given whole; every other changes the base.
      const whole = ("driver" in job && "timeout" in job ? job : { ...BASE, ...job }) as JobFile;
      assert.deepEqual(
        rule.check(whole, "machine").map(({ code, at }) => [code, at.join(".")]),
        found,
      );
    });
  }
}
