// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import {
  archiveFor,
  archiveTrainFlags,
  archiveTrainingFile,
  archiveUseFlags,
  findArchives,
  publishArchive,
} from "./archives.ts";
import { sparkClassPath } from "./classpath.ts";
import { findBulwarkJar } from "./jar.ts";
import { listJavas, rankJavas } from "./java.ts";

let root: string;
let classPath: string[];
const java = { buildId: "build", major: 21 };
const run = promisify(execFile);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bulwark archives-"));
  classPath = [join(root, "a.jar"), join(root, "b.jar")];
  for (const path of classPath) await writeFile(path, path);
});
afterEach(() => rm(root, { recursive: true }));

async function publish(content: string, token = "t") {
  const archive = await archiveFor(java, classPath, "driver", root);
  const file = await archiveTrainingFile(archive, token);
  await writeFile(file, content);
  return publishArchive(archive, file);
}

test("the class path is our jar and then all of Spark's, sorted", () => {
  const spark = { jars: ["/s/spark-kubernetes.jar", "/s/a.jar", "/s/spark-connect.jar"] };
  const expected = ["/b.jar", "/s/a.jar", "/s/spark-connect.jar", "/s/spark-kubernetes.jar"];
  assert.deepEqual(sparkClassPath(spark, "/b.jar"), expected);
});

test("an archive is found again for the same Java, class path and role, and for no other", async () => {
  const made = await publish("content");
  assert.deepEqual(await archiveFor(java, classPath, "driver", root), made);
  assert.ok(made.path !== undefined && archiveUseFlags(made).includes(`-XX:SharedArchiveFile=${made.path}`));
  const others = [
    archiveFor(java, classPath, "executor", root),
    archiveFor({ ...java, buildId: "other" }, classPath, "driver", root),
    archiveFor(java, classPath.toReversed(), "driver", root),
    archiveFor(java, classPath.slice(1), "driver", root),
  ];
  for (const other of await Promise.all(others)) assert.equal(other.path, undefined);
  await utimes(classPath[0] ?? "", 1, 1);
  assert.equal((await archiveFor(java, classPath, "driver", root)).path, undefined);
});

test("each role gets its own archive, and the quiet options where it has none", async () => {
  const [jar = "", ...jars] = classPath;
  const { path } = await publish("content");
  const archives = await findArchives({ java, spark: { jars }, jar, cacheDir: root });
  assert.deepEqual(archives.classPath, classPath);
  assert.ok(archives.flags("driver").includes(`-XX:SharedArchiveFile=${path}`));
  assert.deepEqual(archives.flags("executor"), archiveUseFlags({ folder: root, key: "none" }));
});

test("a truncated archive is not used", async () => {
  const made = await publish("content");
  await truncate(made.path ?? "", 3);
  assert.equal((await archiveFor(java, classPath, "driver", root)).path, undefined);
});

test("a training run that wrote nothing publishes nothing", async () => {
  const archive = await archiveFor(java, classPath, "driver", root);
  const published = await publishArchive(archive, await archiveTrainingFile(archive, "t"));
  assert.equal(published.path, undefined);
});

test("only the newest archives of a role are kept", async () => {
  for (let size = 1; size <= 7; size++) {
    const made = await publish("x".repeat(size), String(size));
    await utimes(made.path ?? "", size, size);
  }
  const names = await readdir(join(root, "archives"));
  assert.deepEqual(names.map((name) => /-(\d)\.jsa$/.exec(name)?.[1]).toSorted(), ["4", "5", "6", "7"]);
});

test("every Java of this machine takes the options, silently, whatever the archive holds", async (t) => {
  const javas = rankJavas(await listJavas({ env: process.env }), { minimum: 17, maximum: 99 });
  if (javas.length === 0) return t.skip("no Java 17 or newer on this machine");
  const garbage = join(root, "garbage.jsa");
  await writeFile(garbage, "not an archive");
  const broken = archiveUseFlags({ folder: root, key: "k", path: garbage });
  for (const { executable } of javas) {
    const version = ["-cp", classPath.join(":"), "--version"];
    // The last line tells whether the archive is shared; it is the one that may differ.
    const said = ({ stdout }: { stdout: string }) => stdout.split("\n").slice(0, 2);
    const plain = await run(executable, version);
    for (const flags of [broken, archiveUseFlags({ folder: root, key: "k" }), archiveTrainFlags(join(root, "t.jsa"))]) {
      const answer = await run(executable, [...flags, ...version]);
      assert.deepEqual([said(answer), answer.stdout.split("\n").length, answer.stderr], [said(plain), 4, ""]);
    }
  }
});

test("a jar that was not built is named with how to build it", async () => {
  await assert.rejects(findBulwarkJar(join(root, "none.jar")), { code: "JAR_MISSING" });
  await assert.rejects(findBulwarkJar(root), { code: "JAR_MISSING" });
  assert.equal(await findBulwarkJar(classPath[0]), classPath[0]);
});
