// SPDX-License-Identifier: Apache-2.0
// The way of the guide: a rendered release and a class path become the manifests of its two roles.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../cli/src/testing/context.ts";
import { find, findHelms, renderObjects } from "./chart/helm.ts";
import { DIGEST } from "./chart/variants.ts";

const SCRIPT = join(import.meta.dirname, "..", "scripts", "gramine-manifest.ts");
const [helm = ""] = findHelms();
const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;
const USAGE = 2;

const make = (...args: string[]) => spawnSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8" });

/** A list of the manifest, as written. */
const listOf = (manifest: string, key: string): string =>
  manifest.slice(manifest.indexOf(`\n${key} = [`) + 1).split("\n]", 1)[0] ?? "";

test("a rendered release gives manifests that start Spark with the job's own files and options", { skip }, () => {
  const folder = createTestFolder();
  const job = {
    image: DIGEST,
    trust: { tee: "sgx" },
    jar: "local:///srv/app.jar",
    class: "com.example.Main",
    jars: ["/opt/spark/extra/b.jar"],
    sparkConf: { "spark.driver.extraJavaOptions": "-Dexample.speed=high" },
  };
  const objects = renderObjects(helm, job);
  const files = { job: join(folder, "job.json"), rendered: join(folder, "rendered.yaml"), classes: join(folder, "cp") };
  writeFileSync(files.job, JSON.stringify(job));
  writeFileSync(files.rendered, objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  writeFileSync(files.classes, "/opt/bulwark/bulwark.jar:/opt/spark/jars/spark-core.jar\n");
  const options: string = find(objects, "ConfigMap", "pi-conf").data["driver.jvm"];
  assert.ok(options.includes("-Dexample.speed=high"));
  for (const role of ["driver", "executor"]) {
    const { status, stdout, stderr } = make(files.job, files.rendered, "--role", role, "--class-path", files.classes);
    assert.equal(status, 0, stderr);
    const argv = listOf(stdout, "loader.argv");
    assert.match(argv, /"-cp",\s+"\/opt\/bulwark\/bulwark\.jar:\/opt\/spark\/jars\/spark-core\.jar"/);
    assert.ok(argv.includes(`"@/etc/bulwark/conf/${role}.jvm"`), argv);
    assert.equal(argv.includes("local:///srv/app.jar"), role === "driver");
    const trusted = listOf(stdout, "sgx.trusted_files");
    assert.ok(trusted.includes('"file:/srv/app.jar"'), trusted);
    const content: string = find(objects, "ConfigMap", "pi-conf").data[`${role}.jvm`];
    const sha256 = createHash("sha256").update(content).digest("hex");
    assert.ok(trusted.includes(`{ uri = "file:/etc/bulwark/conf/${role}.jvm", sha256 = "${sha256}" }`), trusted);
  }
  assert.equal(make(files.job, files.rendered, "--role", "driver").status, USAGE);
});
