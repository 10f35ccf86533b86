// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readJob } from "../testing/plan-input.ts";
import { listProgramFiles, type ManifestInput, renderManifest } from "./manifest.ts";
import { formatToml } from "./toml.ts";

const job = readJob({
  jar: "local:///opt/app/app.jar",
  class: "com.example.Main",
  args: ["8"],
  trust: { tee: "sgx" },
  executor: { memory: "6g", env: { OMP_NUM_THREADS: 4 } },
});
const input = (changes: Partial<ManifestInput> = {}): ManifestInput => ({
  role: "driver",
  job,
  java: { executable: "/usr/bin/java", major: 17 },
  classPath: ["/opt/bulwark/bulwark.jar", "/opt/spark/jars/a.jar"],
  submitArguments: ["--class", "com.example.Main", "local:///opt/app/app.jar", "8"],
  imageFiles: ["/opt/spark/", "/opt/bulwark/", "/usr/bin/java"],
  mountedFiles: ["spark.properties", "driver.jvm", "executor.jvm"].map((name) => ({
    path: `/etc/bulwark/conf/${name}`,
    sha256: "ab".repeat(32),
  })),
  identity: { product: 1, version: 3 },
  ...changes,
});

test("program, class and arguments are in the manifest, so in the measurement", () => {
  const manifest = renderManifest(input());
  for (const text of ["com.example.Main", "local:///opt/app/app.jar", '"8"', "bulwark.launch.KubernetesDriverMain"]) {
    assert.ok(manifest.includes(text), text);
  }
  assert.notEqual(renderManifest(input({ submitArguments: ["--class", "Other"] })), manifest);
  assert.equal(renderManifest(input()), manifest);
});

test("nothing comes from the host but named variables, and no file that was not measured is code", () => {
  for (const role of ["driver", "executor"] as const) {
    const manifest = renderManifest(input({ role }));
    for (const insecure of [
      "insecure__",
      "use_host_env",
      "allow_all",
      "use_cmdline_argv",
      "argv_src_file",
      "debug = true",
    ]) {
      assert.ok(!manifest.includes(insecure), insecure);
    }
    const passed = [...manifest.matchAll(/^loader\.env\.(\w+) = \{ passthrough/gm)].map(([, name]) => name ?? "");
    assert.ok(passed.length > 0);
    for (const name of passed) assert.doesNotMatch(name, /JAVA|LD_|CLASSPATH|OPT|CONF|SECRET/);
    const [, allowed = ""] = /^sgx\.allowed_files = \[([^\]]*)\]/m.exec(manifest) ?? [];
    assert.doesNotMatch(allowed, /\/(opt|usr|lib|bin|etc\/bulwark\/conf)/);
  }
});

test("options of the JVM are read from a measured file, and from no other", () => {
  for (const role of ["driver", "executor"] as const) {
    assert.ok(renderManifest(input({ role })).includes(`"@/etc/bulwark/conf/${role}.jvm"`), role);
    assert.throws(() => renderManifest(input({ role, mountedFiles: [] })));
  }
});

test("files of the image that the job names are known", () => {
  const named = { jars: ["/opt/app/b.jar", "https://a.example/c.jar"], files: ["/opt/app/b.jar", "model.bin"] };
  assert.deepEqual(listProgramFiles({ ...job, ...named }), ["/opt/app/app.jar", "/opt/app/b.jar"]);
});

test("settings that are mounted must have the content that was measured", () => {
  assert.match(renderManifest(input()), /uri = "file:\/etc\/bulwark\/conf\/spark.properties", sha256 = "(ab){32}"/);
});

test("executors bring what they must know before they reach the driver", () => {
  const manifest = renderManifest(input({ role: "executor" }));
  assert.ok(manifest.includes('"-Dspark.network.crypto.cipher=AES/GCM/NoPadding"'));
  assert.ok(manifest.includes('"-Xmx6g"'));
  assert.ok(manifest.includes('loader.env.OMP_NUM_THREADS = "4"'));
  assert.ok(!manifest.includes("com.example.Main"), "the program is the driver's");
});

test("sizes of enclaves are powers of two that hold heap and overhead", () => {
  assert.match(renderManifest(input({ role: "executor" })), /^sgx\.enclave_size = "8G"$/m);
});

test("a job that is not for SGX has no manifest", () => {
  assert.throws(() => renderManifest(input({ job: readJob({ jar: "a.jar" }) })), { code: "JOB_CONFLICT" });
});

test("no text can begin another entry", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const lines = formatToml({ "a.b": text, c: 1 }).split("\n");
      assert.equal(lines.length, 3);
      assert.equal(lines[1], "c = 1");
    }),
  );
});
