// SPDX-License-Identifier: Apache-2.0
// The serving image: what it holds, and that it is the same twice.
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Image } from "../../scripts/images/build.ts";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { type Cluster, joinCluster, type TestNamespace } from "./fixture/index.ts";
import { listLayers } from "./fixture/layers.ts";
import { runPod } from "./fixture/run-pod.ts";

/** See images/README.md. */
const BUDGET_BYTES = 170e6;

let cluster: Cluster;
let namespace: TestNamespace;
let image: Image;

before(async () => {
  cluster = await joinCluster();
  image = await buildServingImage({}, () => undefined);
  await cluster.loadImage(image.archive, image.name);
  namespace = await cluster.makeNamespace("serving-image");
});
after(() => namespace?.remove());

test("nobody but root may change what is in it, and it is no larger than it should be", async () => {
  const script = [
    "id -u; id -g",
    "find /opt/bulwark ! -type l \\( ! -uid 0 -o -perm /o+w,u+s,g+s \\) | head",
    "find /opt/bulwark -name '*.test.ts' -o -name '*.dll' -o -name '*.dylib' | head",
    "/opt/bulwark/bin/node --version; redis-server --version | cut -d' ' -f3",
  ];
  const command = ["/bin/sh", "-c", script.join("; ")];
  const { log, exitCode } = await runPod(cluster, namespace, { name: "files", image: image.name, command });
  assert.equal(exitCode, 0, log);
  assert.match(log, /^185\n185\nv24\.\d+\.\d+\nv=[78]\./);
  const { size } = await stat(image.archive);
  assert.ok(size < BUDGET_BYTES, `${Math.round(size / 1e6)} MB`);
});

test("a role that there is not ends with a word, and a settings file that is not there with a code", async () => {
  const wish = { image: image.name, memory: "256Mi" };
  const other = await runPod(cluster, namespace, { ...wish, name: "other", args: ["worker"] });
  assert.deepEqual([other.exitCode, other.log.startsWith("usage: gateway SETTINGS")], [2, true]);
  const absent = await runPod(cluster, namespace, { ...wish, name: "absent", args: ["gateway", "/absent.json"] });
  assert.deepEqual([absent.exitCode, JSON.parse(absent.log).code], [3, "SERVING_CONFIG"]);
});

test("what a process takes for the memory there is, is its container's", async () => {
  const command = ["/opt/bulwark/bin/node", "-p", "process.constrainedMemory()"];
  const { log } = await runPod(cluster, namespace, { name: "memory", image: image.name, command, memory: "192Mi" });
  assert.equal(Number(log), 192 * 2 ** 20);
});

test("a second build, from nothing, is the same", { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-image-"));
  try {
    const second = await buildServingImage({ to: join(folder, "second.tar") }, () => undefined);
    assert.equal(second.name, image.name);
    assert.deepEqual(await listLayers(second.archive), await listLayers(image.archive));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
