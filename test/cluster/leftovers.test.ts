// SPDX-License-Identifier: Apache-2.0
// What is left of a release whose record somebody took away goes with delete --leftovers, and nothing that is owned.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { findRelease } from "./chart/release.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const cluster = await joinCluster();
let namespace: TestNamespace;
const tool = await makeTool(cluster);

async function succeed(...args: string[]): Promise<void> {
  const { code, stderr }: Ended = await tool.run(...args, "-n", namespace.name);
  assert.equal(code, EXIT.done, stderr);
}

before(async () => {
  namespace = await cluster.makeNamespace("leftovers");
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

test("leftovers go, and nothing that a release owns", { timeout: 240_000 }, async () => {
  for (const name of ["held", "torn"]) await succeed("submit", "-f", tool.writeJob(name, { suspend: true }));
  const [held, torn] = [findRelease(cluster, namespace, "held"), findRelease(cluster, namespace, "torn")];
  await cluster.kubectl(["delete", "secret", "-n", namespace.name, "-l", "owner=helm,name=torn"]);

  await succeed("delete", "--leftovers");
  assert.ok((await torn.left()).length > 0, "it may be under way: it is too young to be taken for a leftover");
  await succeed("delete", "torn", "--leftovers");
  await until("nothing of it to be left", async () => (await torn.left()).length === 0, 120_000);
  assert.ok((await held.left()).includes("jobs held"));
  await succeed("delete", "held");
});
