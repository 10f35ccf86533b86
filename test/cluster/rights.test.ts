// SPDX-License-Identifier: Apache-2.0
// Somebody who has in one namespace what `bulwark doctor` asks for, and nothing else anywhere.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { labelsOf, listRights, selectorOf } from "../../packages/kubernetes/src/index.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace } from "./fixture/index.ts";

const A_JOB_MS = 480_000;
const USER = "somebody";

const cluster = await joinCluster();
const kubeconfig = await cluster.kubeconfigFor({ user: USER });
const tool = await makeTool({ ...cluster, kubeconfig });
let namespace: TestNamespace;

const inNamespace = (...args: string[]): Promise<Ended> => tool.run(...args, "-n", namespace.name);

before(async () => {
  namespace = await cluster.makeNamespace("rights");
  const rules = listRights().map(({ verb, group, resource, sub }) => ({
    apiGroups: [group],
    resources: [sub === undefined ? resource : `${resource}/${sub}`],
    verbs: [verb],
  }));
  const metadata = { name: "people", namespace: namespace.name };
  const apiGroup = "rbac.authorization.k8s.io";
  await cluster.apply([
    { apiVersion: `${apiGroup}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "Role", name: metadata.name },
      subjects: [{ apiGroup, kind: "User", name: USER }],
    },
  ]);
});

after(async () => {
  tool.stop();
  await namespace.remove();
});

test("doctor finds all rights, and says what it may not look at", async () => {
  const { stdout } = await inNamespace("doctor", "--cluster", "-o", "json");
  type Report = { name: string; state: string };
  const checks: Report[] = JSON.parse(stdout).items;
  assert.deepEqual(
    checks.filter(({ state }) => state === "fail"),
    [],
  );
  assert.deepEqual(
    checks.filter(({ name }) => name === "rights").map(({ state }) => state),
    ["ok"],
  );
});

test("a job is submitted, followed, looked at and deleted", { timeout: A_JOB_MS }, async () => {
  const submitted = await inNamespace("submit", "-f", tool.writeJob("pi", { args: ["10"] }), "--follow");
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  assert.match(submitted.stdout, /^Pi is roughly 3\.\d+$/m);
  const looks = [["status", "pi", "--watch"], ["list"], ["logs", "pi"], ["events", "pi"], ["describe", "pi"]];
  for (const look of looks) {
    const { code, stderr } = await inNamespace(...look);
    assert.equal(code, EXIT.done, `${look[0]}: ${stderr}`);
  }
  const deleted = await inNamespace("delete", "pi");
  assert.equal(deleted.code, EXIT.done, deleted.stderr);
});

test("everything is deleted at once, a job that runs and what no release knows", { timeout: A_JOB_MS }, async () => {
  const submitted = await inNamespace("submit", "-f", tool.writeJob("runs", { args: ["100000"] }));
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  const scheduled = await inNamespace("submit", "-f", tool.writeJob("later", { schedule: "0 0 1 1 *" }));
  assert.equal(scheduled.code, EXIT.done, scheduled.stderr);
  const metadata = { name: "stray-secret", namespace: namespace.name, labels: labelsOf("stray") };
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata });
  const deleted = await inNamespace("delete", "--all", "--yes");
  assert.equal(deleted.code, EXIT.done, deleted.stderr);
  type List = { items: { metadata: { name: string } }[] };
  const left = await cluster.get<List>(["all,secrets,configmaps,roles", "-n", namespace.name, "-l", selectorOf()]);
  assert.deepEqual(left.items, []);
});
