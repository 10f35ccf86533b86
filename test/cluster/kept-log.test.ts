// SPDX-License-Identifier: Apache-2.0
// What a driver printed and did is still there when its pod, and even its Job, is gone: where a claim keeps event logs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findRelease } from "./chart/release.ts";
import { makeTool } from "./chart/tool.ts";
import { askPage, openPage } from "./chart/ui-page.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const cluster = await joinCluster();
let namespace: TestNamespace;
const tool = await makeTool(cluster);

before(async () => {
  namespace = await cluster.makeNamespace("kept-log");
  await cluster.makeVolume(namespace, "logs");
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

test("logs and history come from the claim of event logs when the pods are gone", { timeout: 480_000 }, async () => {
  const at = ["-n", namespace.name];
  const job = tool.writeJob("kept", { eventLog: { pvc: "logs" }, executor: { instances: 1, memory: "512m" } });
  const submitted = await tool.run("submit", "-f", job, "--wait", "--timeout", "7m", ...at);
  assert.equal(submitted.code, 0, submitted.stderr);
  const living = await tool.run("logs", "kept", "--driver", ...at);
  await cluster.kubectl(["delete", "job", "kept", ...at, "--wait=true"]);
  const release = findRelease(cluster, namespace, "kept");
  await until("its pods to be gone", async () => (await release.pods()).length === 0);
  const kept = await tool.run("logs", "kept", ...at);
  assert.equal(kept.code, 0, kept.stderr);
  assert.match(kept.stdout, /^Pi is roughly 3\.\d+$/m);
  const told = living.stdout.split("\n").filter((line) => / INFO /.test(line));
  assert.ok(told.length > 50);
  const lines = new Set(kept.stdout.split("\n"));
  const missing = told.filter((line) => !lines.has(line));
  assert.deepEqual(missing, []);

  const { target, close } = await openPage(tool.start("ui", "kept", ...at));
  assert.equal(await askPage(new URL("/", target)), 401);
  assert.ok([200, 302].includes(await askPage(target)));
  assert.equal((await close()).code, 0);
  await release.uninstall();
});
