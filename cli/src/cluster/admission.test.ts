// SPDX-License-Identifier: Apache-2.0
// Answers as Kubernetes 1.34 gives them; test/cluster/commands-refused.test.ts asks a real one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError, type ErrorCode, parseJobFile } from "@bulwark/contracts";
import type { KubeObject } from "@bulwark/kubernetes";
import type { Connection } from "@bulwark/kubernetes/api";
import { findObjections } from "./admission.ts";

const PI = "name: pi\nimage: registry.example/spark:1\n";
const TEMPLATE = {
  metadata: { labels: { a: "b" } },
  spec: { serviceAccountName: "pi-exec", containers: [{ name: "c" }] },
};
const OBJECTS = [
  { apiVersion: "batch/v1", kind: "Job", metadata: { name: "pi" } },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name: "pi" } },
  {
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "pi-conf" } },
    data: { "executor.yaml": JSON.stringify(TEMPLATE), "driver.yaml": JSON.stringify(TEMPLATE) },
  },
];

type Causes = readonly (readonly [field: string, message: string])[];
type Said = { code?: ErrorCode; message?: string; causes?: Causes };

/** What is found when the API server says this of objects of a kind, and takes all others; and all that it was asked. */
async function judge(job: string, said: Readonly<Record<string, Said>>) {
  const asked: (KubeObject & { spec?: object })[] = [];
  const ask = async ({ body }: { body: KubeObject }): Promise<unknown> => {
    asked.push(body);
    const answer = said[body.kind ?? ""];
    if (answer === undefined) return body;
    const { code = "CLUSTER_REFUSED", message = "refused", causes = [] } = answer;
    const details = { causes: causes.map(([field, text]) => ({ field, message: text })) };
    throw new BulwarkError(code, message, "mend", { cause: { message, details } });
  };
  const cluster = { connection: { ask } as unknown as Connection, namespace: "runs", helmArgs: [] };
  const work = parseJobFile(`${PI}${job}`, { file: "job.yaml", target: "cluster" });
  const findings = await findObjections({ cluster, release: "pi", work, objects: OBJECTS });
  return { asked, told: findings.map(({ code, path }) => `${code} ${path}`) };
}

test("templates of pods are judged as the pods that Spark makes of them", async () => {
  const { asked } = await judge("", {});
  assert.deepEqual(
    asked.map(({ kind, metadata: { name } }) => `${kind} ${name}`),
    ["Job pi", "ConfigMap pi-conf", "Pod pi-executor"],
  );
  // Its account is not there yet.
  assert.deepEqual(asked.at(-1)?.spec, { containers: [{ name: "c", image: "registry.example/spark:1" }] });
  assert.equal((await judge("deployMode: cluster\n", {})).asked.length, 4);
});

test("what is refused is told by the key of the job file, once where it is for all pods", async () => {
  const both =
    "tolerations: [{ key: a, operator: Exists }]\nexecutor: { tolerations: [{ key: b, operator: Banana }] }\n";
  const second: Causes = [["spec.tolerations[1].operator", "Unsupported"]];
  assert.deepEqual((await judge(both, { Pod: { causes: second } })).told, [
    "CLUSTER_REFUSED executor.tolerations.0.operator",
  ]);
  const common: Said[] = ["spec.template.spec", "spec"].map((spec) => ({
    causes: [[`${spec}.tolerations[0].operator`, "Unsupported"]],
  }));
  const [job = {}, pod = {}] = common;
  assert.deepEqual((await judge(both, { Job: job, Pod: pod })).told, ["CLUSTER_REFUSED tolerations.0.operator"]);
});

test("each part of a pod is told by where it comes from", async () => {
  const own = "executor: { affinity: { a: 1 }, nodeSelector: { a: b }, podTemplate: { runtimeClassName: none } }\n";
  const rows: [field: string, path: string, job?: string][] = [
    ["spec.affinity.nodeAffinity", "affinity.nodeAffinity"],
    ["spec.affinity.nodeAffinity", "executor.affinity.nodeAffinity", own],
    ["spec.nodeSelector", "nodeSelector"],
    ["spec.nodeSelector", "executor.nodeSelector", own],
    ["metadata.annotations", "executor.podTemplate.annotations"],
    ["spec.hostAliases[0].ip", "executor.podTemplate.hostAliases.0.ip"],
    ["spec.topologySpreadConstraints[2].maxSkew", "executor.podTemplate.topologySpreadConstraints.2.maxSkew"],
    ["spec.dnsConfig.searches[0]", "executor.podTemplate.dnsConfig.searches.0"],
  ];
  for (const [field, path, job = ""] of rows) {
    const { told } = await judge(job, { Pod: { causes: [[field, "Invalid"]] } });
    assert.deepEqual(told, [`CLUSTER_REFUSED ${path}`], field);
  }
  const launcher = { causes: [["spec.template.spec.tolerations[0].operator", "Unsupported"]] as Causes };
  const cluster = await judge("deployMode: cluster\ntolerations: [{ operator: Banana }]\n", { Job: launcher });
  assert.deepEqual(cluster.told, ["CLUSTER_REFUSED tolerations.0.operator"]);
});

test("what a pod names and the cluster lacks is missing; the rest is told as the API server says it", async () => {
  const code = "CLUSTER_FORBIDDEN";
  const told = async (message: string, job = "") => (await judge(job, { Pod: { code, message } })).told;
  assert.deepEqual(await told("no PriorityClass with name fast was found"), ["OBJECT_MISSING priorityClassName"]);
  assert.deepEqual(
    await told('RuntimeClass "none" not found', "executor: { podTemplate: { runtimeClassName: none } }\n"),
    ["OBJECT_MISSING executor.podTemplate.runtimeClassName"],
  );
  assert.deepEqual(await told("exceeded quota: few"), ["CLUSTER_FORBIDDEN undefined"]);
  const unknown = 'strict decoding error: unknown field "spec.affinity.nope", unknown field "spec.newerThanTheServer"';
  assert.deepEqual((await judge("", { Pod: { message: unknown } })).told, ["CLUSTER_REFUSED affinity.nope"]);
});
