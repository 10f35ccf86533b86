// SPDX-License-Identifier: Apache-2.0
// Twenty jobs that ask for more than the machine has. Too long for every change:
// npm run cluster -- test test/cluster/many.test.ts
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { makeTool, type Tool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace } from "./fixture/index.ts";

const JOBS = 20;

const cluster = await joinCluster();
let namespace: TestNamespace;
let tool: Tool;

before(async () => {
  namespace = await cluster.makeNamespace("many");
  tool = await makeTool(cluster);
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
});

test("twenty jobs at once in one namespace all finish", { timeout: 2_400_000 }, async (context) => {
  const small = { args: ["2"], executor: { instances: 1, memory: "512m" }, startTimeout: "30m", timeout: "40m" };
  const names = Array.from({ length: JOBS }, (_none, number) => `many-${number}`);
  const ended = await Promise.all(
    names.map((name) => tool.run("submit", "-f", tool.writeJob(name, small), "-n", namespace.name, "--follow")),
  );
  for (const { code, stdout, stderr } of ended) {
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Pi is roughly 3\.1/);
  }
  context.diagnostic(`${Math.round(Math.max(...ended.map(({ seconds }) => seconds)))} s for all`);
});
