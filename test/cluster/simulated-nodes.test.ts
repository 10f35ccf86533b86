// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { joinCluster, ON_SIMULATED, simulateNodes, until } from "./fixture/index.ts";

test("a hundred simulated pods run on simulated nodes, and go with them", async () => {
  const cluster = await joinCluster();
  const namespace = await cluster.makeNamespace("simulated");
  const remove = await simulateNodes(cluster, 2);
  try {
    const labels = { app: "many" };
    const securityContext = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
    const container = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
    const containers = [{ name: "one", image: "nothing.invalid/image", securityContext: container }];
    await cluster.apply({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: "many", namespace: namespace.name },
      spec: {
        replicas: 100,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...ON_SIMULATED, securityContext, containers } },
      },
    });
    type ReplicaSet = { status: { readyReplicas?: number } };
    const target = ["-n", namespace.name, "replicaset", "many"];
    await until("the pods to run", async () => (await cluster.get<ReplicaSet>(target)).status.readyReplicas === 100);
  } finally {
    await namespace.remove();
    await remove();
  }
  type List = { items: { metadata: { name: string } }[] };
  const { items } = await cluster.get<List>(["nodes"]);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    [cluster.nodeName],
  );
});
