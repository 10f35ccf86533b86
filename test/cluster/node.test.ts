// SPDX-License-Identifier: Apache-2.0
// The node itself: what other tests of this layer build on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Cluster, joinCluster, ProgramFailure, type TestNamespace, until } from "./fixture/index.ts";
import { PAUSE_IMAGE } from "./ground/pause.ts";

let cluster: Cluster;
let namespace: TestNamespace;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("node");
});
after(() => namespace?.remove());

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

function describePod(name: string, container: Readonly<Record<string, unknown>> = {}) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: namespace.name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "pause", image: PAUSE_IMAGE, securityContext: RESTRICTED, ...container }],
    },
  };
}

type Pod = { status: { phase: string; conditions?: { type: string; status: string; message?: string }[] } };

const readPod = (name: string): Promise<Pod> => cluster.get<Pod>(["-n", namespace.name, "pod", name]);

const waitForPhase = (name: string, phase: string): Promise<boolean> =>
  until(`${name} ${phase}`, async () => (await readPod(name)).status.phase === phase);

test("the node is Ready, of the pinned version", async () => {
  type Node = { status: { conditions: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } } };
  const { status } = await cluster.get<Node>(["node", cluster.nodeName]);
  assert.equal(status.conditions.find(({ type }) => type === "Ready")?.status, "True");
  const { serverVersion } = JSON.parse(await cluster.kubectl(["version", "-o", "json"]));
  assert.equal(serverVersion.gitVersion, status.nodeInfo.kubeletVersion);
});

test("a restricted pod runs in a restricted namespace, and one that asks for more is refused", async () => {
  await cluster.apply(describePod("restricted"));
  await waitForPhase("restricted", "Running");
  const greedy = describePod("greedy", { securityContext: { ...RESTRICTED, allowPrivilegeEscalation: true } });
  await assert.rejects(
    cluster.apply(greedy),
    (error) => error instanceof ProgramFailure && /PodSecurity "restricted/.test(error.output),
  );
});

test("extended resources put on the node are counted, and taken back", async () => {
  const limits = { "sgx.intel.com/enclave": "1", "sgx.intel.com/epc": "64Mi" };
  const asking = describePod("enclave", { resources: { limits } });
  await cluster.apply(asking);
  await until("the pod to be unschedulable", async () =>
    (await readPod("enclave")).status.conditions?.some(
      ({ type, status, message }) => type === "PodScheduled" && status === "False" && /sgx/.test(message ?? ""),
    ),
  );
  const undo = await cluster.patchNode({ "sgx.intel.com/enclave": "2", "sgx.intel.com/epc": "128Mi" });
  await waitForPhase("enclave", "Running");
  await cluster.kubectl(["-n", namespace.name, "delete", "pod", "enclave"]);
  await undo();
  type Node = { status: { capacity: Record<string, string> } };
  const { status } = await cluster.get<Node>(["node", cluster.nodeName]);
  assert.deepEqual(
    Object.keys(status.capacity).filter((name) => name.includes("sgx")),
    [],
  );
});

test("a claim is bound to a folder", async () => {
  const { folder } = await cluster.makeVolume(namespace, "data");
  assert.ok(folder.startsWith(cluster.folder));
});

test("somebody else has no rights, and an expired certificate none at all", async () => {
  const stranger = await cluster.kubeconfigFor({ user: "stranger", groups: ["nobody"] });
  const ask = (kubeconfig: string) => cluster.kubectl(["get", "pods"], { env: { KUBECONFIG: kubeconfig } });
  await assert.rejects(ask(stranger), (error) => error instanceof ProgramFailure && /Forbidden/.test(error.output));
  const late = await cluster.kubeconfigFor({ user: "late", groups: ["system:masters"], days: -1 });
  await assert.rejects(ask(late), (error) => error instanceof ProgramFailure && /Unauthorized/.test(error.output));
});

test("nothing outside can be reached", async () => {
  const routes = await cluster.run("ip", ["route", "show", "default"]);
  assert.equal(routes, "");
});

test("the API server comes back with what it knew, and pods run on meanwhile", async () => {
  await cluster.restartApiServer({ pauseMs: 500 });
  assert.equal((await readPod("restricted")).status.phase, "Running");
});

for (const name of ["helm", "helm4"] as const) {
  test(`${name} speaks to it`, async () => {
    assert.equal(await cluster.run(cluster.programs[name], ["list", "-n", namespace.name, "-o", "json"]), "[]\n");
  });
}
