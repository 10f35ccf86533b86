// SPDX-License-Identifier: Apache-2.0
// The image of Flink's processes: what it holds, and that it is the same twice.
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Image } from "../../scripts/images/build.ts";
import { buildFlinkImage } from "../../scripts/images/flink-image.ts";
import { type Cluster, joinCluster, type TestNamespace } from "./fixture/index.ts";
import { listLayers } from "./fixture/layers.ts";
import { runPod } from "./fixture/run-pod.ts";

/** See images/README.md. */
const BUDGET_BYTES = 250e6;

let cluster: Cluster;
let namespace: TestNamespace;
let image: Image;

before(async () => {
  cluster = await joinCluster();
  image = await buildFlinkImage({}, () => undefined);
  await cluster.loadImage(image.archive, image.name);
  namespace = await cluster.makeNamespace("serving-flink-image");
});
after(() => namespace?.remove());

test("nobody but root may change what is in it, and it is no larger than it should be", async () => {
  const script = [
    "id -u; id -g",
    "find /opt/bulwark ! -type l \\( ! -uid 0 -o -perm /o+w,u+s,g+s \\) | head",
    "ls /opt/bulwark/lib | grep -v '[.]jar$'",
    "tail -n 1 -q /opt/bulwark/*.options",
  ];
  const command = ["/bin/sh", "-c", script.join("; ")];
  const { log, exitCode } = await runPod(cluster, namespace, { name: "files", image: image.name, command });
  assert.equal(exitCode, 0, log);
  assert.deepEqual(log.trim().split("\n"), ["185", "185", "bulwark.serving.JobManager", "bulwark.serving.TaskManager"]);
  const { size } = await stat(image.archive);
  assert.ok(size < BUDGET_BYTES, `${Math.round(size / 1e6)} MB`);
});

test("a role that there is not ends with a word, and settings that are not there with a code", async () => {
  const wish = { image: image.name, memory: "512Mi" };
  const other = await runPod(cluster, namespace, { ...wish, name: "other", args: ["worker"] });
  assert.deepEqual([other.exitCode, other.log.startsWith("usage: jobmanager FOLDER")], [2, true]);
  for (const role of ["jobmanager", "taskmanager"]) {
    const absent = await runPod(cluster, namespace, { ...wish, name: role, args: [role, "/absent"] });
    assert.equal(absent.exitCode, 3, absent.log);
    assert.match(absent.log, /SERVING_CONFIG/);
  }
});

test("a second build, from nothing, is the same", { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-image-"));
  try {
    const second = await buildFlinkImage({ to: join(folder, "second.tar") }, () => undefined);
    assert.equal(second.name, image.name);
    assert.deepEqual(await listLayers(second.archive), await listLayers(image.archive));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
