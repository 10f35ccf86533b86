// SPDX-License-Identifier: Apache-2.0
// The way of the guide, with the real chart: a job and a class path become the manifests of its two roles.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULTS } from "../cli/src/config/settings.ts";
import { createTestFolder } from "../cli/src/testing/context.ts";
import { createRunner } from "../cli/src/testing/run-line.ts";
import { find, findHelms, renderObjects } from "./chart/helm.ts";
import { DIGEST } from "./chart/variants.ts";

const [helm = ""] = findHelms();
const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;
const CLASS_PATH = "/opt/bulwark/bulwark.jar:/opt/spark/jars/spark-core.jar";

/** A list of the manifest, as written. */
const listOf = (manifest: string, key: string): string =>
  manifest.slice(manifest.indexOf(`\n${key} = [`) + 1).split("\n]", 1)[0] ?? "";

test("the program that lies beside the job file is sent along, and measured", { skip }, async () => {
  const home = createTestFolder();
  const files: Readonly<Record<string, Buffer>> = {
    "app.py": Buffer.from("print('é')\n"),
    "lib.zip": Buffer.from([80, 75, 3, 4, 0, 255]),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(home, name), content);
  const job = { image: DIGEST, trust: { tee: "sgx" }, python: "app.py" };
  for (const [name, pyFiles] of Object.entries({ text: [], both: ["lib.zip"] })) {
    writeFileSync(join(home, `${name}.json`), JSON.stringify({ ...job, pyFiles }));
    writeFileSync(join(home, "classpath"), CLASS_PATH);
    const line = `manifest pi -f ${name}.json -n team --class-path classpath`;
    await createRunner(home).run(line, { settings: { ...DEFAULTS, helm } });
    const manifest = readFileSync(join(home, "driver.manifest"), "utf8");
    for (const file of ["app.py", ...pyFiles]) {
      const sha256 = createHash("sha256")
        .update(files[file] ?? "")
        .digest("hex");
      assert.ok(manifest.includes(`{ uri = "file:/opt/bulwark/program/${file}", sha256 = "${sha256}" }`), manifest);
    }
  }
});

test("the manifests start Spark with the job's own files and options, as plain Helm mounts them", {
  skip,
}, async () => {
  const home = createTestFolder();
  const job = {
    image: DIGEST,
    trust: { tee: "sgx" },
    jar: "local:///srv/app.jar",
    class: "com.example.Main",
    jars: ["/opt/spark/extra/b.jar"],
    sparkConf: { "spark.driver.extraJavaOptions": "-Dexample.speed=high" },
    // Named, so that it makes no difference who makes the release; otherwise submit gives them names of its own.
    security: { secrets: { application: "team-app", keys: "team-tls", password: "team-tls" } },
  };
  writeFileSync(join(home, "job.json"), JSON.stringify(job));
  writeFileSync(join(home, "classpath"), `${CLASS_PATH}\n`);
  const settings = { ...DEFAULTS, helm };
  await createRunner(home).run("manifest pi -f job.json -n team --class-path classpath", { settings });
  const { data } = find(renderObjects(helm, job), "ConfigMap", "pi-conf");
  assert.ok(data["driver.jvm"].includes("-Dexample.speed=high"));
  for (const role of ["driver", "executor"]) {
    const manifest = readFileSync(join(home, `${role}.manifest`), "utf8");
    const argv = listOf(manifest, "loader.argv");
    assert.ok(argv.includes(`"-cp",\n  "${CLASS_PATH}"`), argv);
    assert.ok(argv.includes(`"@/etc/bulwark/conf/${role}.jvm"`), argv);
    assert.equal(argv.includes("local:///srv/app.jar"), role === "driver");
    const trusted = listOf(manifest, "sgx.trusted_files");
    assert.ok(trusted.includes('"file:/srv/app.jar"'), trusted);
    const mounted = [...trusted.matchAll(/uri = "file:\/etc\/bulwark\/conf\/([^"]+)", sha256 = "(\w+)"/g)];
    assert.ok(mounted.length > 1);
    for (const [, name = "", sha256] of mounted) {
      assert.equal(sha256, createHash("sha256").update(data[name]).digest("hex"), name);
    }
  }
});
