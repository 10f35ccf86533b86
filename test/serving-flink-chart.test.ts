// SPDX-License-Identifier: Apache-2.0
// charts/serving with Flink as its engine, as plain Helm renders it: parsed, and judged by what it means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { FLINK_PROCESSES } from "../cli/src/serving/flink/configuration.ts";
import { renderPodConfiguration } from "../cli/src/serving/flink/pods.ts";
import { find, type Rendered } from "./chart/helm.ts";
import { canReach } from "./chart/network.ts";
import { helm, listPods, objectsOf, peer, podOf, settingsOf, skip, variant } from "./chart/serving-rendered.ts";
import { FLINK_IMAGE, SERVING_VARIANTS } from "./chart/serving-variants.ts";

test("Flink's pods mount what their process needs, and run in what their JVM takes", { skip }, () => {
  const objects = variant("flink");
  const sourcesOf = (part: string): Rendered[] => {
    const { projected } = podOf(objects, part).spec.volumes.find(({ name }: Rendered) => name === "settings");
    return projected.sources;
  };
  for (const part of ["jobmanager", "taskmanager"]) {
    assert.deepEqual(
      sourcesOf(part).map(({ configMap, secret }) => configMap?.name ?? secret.name),
      [`clouds-${part}`, "clouds-flink"],
    );
    const [container] = podOf(objects, part).spec.containers;
    assert.deepEqual([container.image, container.args], [FLINK_IMAGE, [part, "/etc/bulwark/conf"]]);
    const { consumer, parallelism, ...settings } = settingsOf(objects, part);
    // Names that outlive pods; and the settings of the embedded engine, but for what only that one has.
    assert.deepEqual([consumer, parallelism], ["flink-team-clouds", 2]);
    const embedded = settingsOf(variant("queued"), "engine");
    assert.deepEqual(settings.older, embedded.older);
    for (const [key, value] of Object.entries(settings)) {
      if (key !== "modelSettings") assert.deepEqual(value, embedded[key], key);
    }
  }
  const secretsOf = (part: string): string[] =>
    podOf(objects, part).spec.volumes.flatMap(({ secret }: Rendered) => secret?.secretName ?? []);
  // The job manager computes nothing: it has no key and no password but that of its own channel.
  assert.deepEqual([secretsOf("jobmanager"), secretsOf("taskmanager")], [[], ["clouds-engine", "clouds-keyring"]]);
  const memoryOf = (part: string): string => podOf(objects, part).spec.containers[0].resources.limits.memory;
  assert.equal(memoryOf("jobmanager"), `${FLINK_PROCESSES.jobmanager.memoryMiB}Mi`);
  assert.equal(memoryOf("taskmanager"), `${FLINK_PROCESSES.taskmanager.memoryMiB + 1024}Mi`);
  assert.deepEqual(find(objects, "Deployment", "clouds-jobmanager").spec.strategy, { type: "Recreate" });
  assert.equal(find(objects, "Deployment", "clouds-taskmanager").spec.replicas, 2);
  assert.equal(find(objects, "Deployment", "clouds-engine"), undefined);
});

test("Flink opens what BigDL encrypted with the Secrets that engines have, in its task managers alone", {
  skip,
}, () => {
  const engine = { kind: "flink", flinkImage: FLINK_IMAGE };
  const objects = objectsOf(helm, { ...SERVING_VARIANTS.older, engine });
  const secretsOf = (part: string): string[] =>
    podOf(objects, part).spec.volumes.flatMap(({ secret }: Rendered) => secret?.secretName ?? []);
  assert.deepEqual(secretsOf("taskmanager").slice(2), ["bigdl-models", "bigdl-records"]);
  assert.deepEqual(secretsOf("jobmanager"), []);
  assert.deepEqual(settingsOf(objects, "taskmanager").older, settingsOf(variant("older"), "engine").older);
});

test("Flink finds its processes where the chart has them", { skip }, () => {
  const { spec, metadata } = find(variant("flink"), "Service", "clouds-jobmanager");
  const configuration = parse(renderPodConfiguration("clouds", "team", "p"));
  assert.equal(configuration["jobmanager.rpc.address"], `${metadata.name}.team.svc`);
  const ports = Object.fromEntries(spec.ports.map(({ name, port }: Rendered) => [name, port]));
  assert.deepEqual(ports, { rpc: configuration["jobmanager.rpc.port"], blob: configuration["blob.server.port"] });
  const [{ ports: own }] = podOf(variant("flink"), "taskmanager").spec.containers;
  assert.deepEqual(Object.fromEntries(own.map(({ name, containerPort }: Rendered) => [name, containerPort])), {
    rpc: configuration["taskmanager.rpc.port"],
    query: Number(configuration["metrics.internal.query-service.port"]),
  });
  assert.equal(configuration["rest.bind-address"], "127.0.0.1");
});

test("both engines share what is given for engines", { skip }, () => {
  const objects = variant("both-engines");
  assert.equal(find(objects, "Deployment", "clouds-engine").spec.replicas, 3);
  assert.equal(find(objects, "Deployment", "clouds-taskmanager").spec.replicas, 1);
  for (const part of ["engine", "jobmanager", "taskmanager"]) {
    assert.deepEqual(podOf(objects, part).spec.nodeSelector, { zone: "a" });
    assert.equal(podOf(objects, part).spec.runtimeClassName, "kata-qemu-tdx");
  }
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy");
  assert.ok(canReach(policies, peer("taskmanager"), { address: "10.1.2.3" }, 6380));
  assert.ok(!canReach(policies, peer("jobmanager"), { address: "10.1.2.3" }, 6380));
});

test("Flink's processes reach each other, and the task managers Redis", { skip }, () => {
  const policies = variant("flink").filter(({ kind }) => kind === "NetworkPolicy");
  const [gateway, redis] = [peer("gateway"), peer("redis")];
  const [jobManager, taskManager] = [peer("jobmanager"), peer("taskmanager")];
  const outside = { address: "198.51.100.7" };
  const table: [Parameters<typeof canReach>[1], Parameters<typeof canReach>[2], number, boolean][] = [
    [taskManager, jobManager, 6123, true],
    [taskManager, jobManager, 6124, true],
    [taskManager, jobManager, 8081, false],
    [jobManager, taskManager, 6122, true],
    [jobManager, taskManager, 6125, true],
    [jobManager, taskManager, 6121, false],
    [taskManager, taskManager, 6121, false],
    [taskManager, redis, 6379, true],
    [jobManager, redis, 6379, false],
    [gateway, jobManager, 6123, false],
    [gateway, taskManager, 6122, false],
    [gateway, taskManager, 6125, false],
    [redis, jobManager, 6123, false],
    [peer("taskmanager", "other"), jobManager, 6123, false],
    [{ stranger: true }, jobManager, 6123, false],
    [outside, jobManager, 6123, false],
    [jobManager, outside, 443, false],
    [taskManager, outside, 443, false],
  ];
  for (const [from, to, port, expected] of table) {
    assert.equal(canReach(policies, from, to, port), expected, JSON.stringify([from, to, port]));
  }
});

test("task managers tell traces where a collector is named, and the job manager tells none", { skip }, () => {
  const { traces } = SERVING_VARIANTS.traced as { traces: object };
  const objects = objectsOf(helm, { ...SERVING_VARIANTS.flink, traces });
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy");
  const collector = { address: "192.0.2.9" };
  assert.equal(settingsOf(objects, "taskmanager").tracesEndpoint, "https://traces.example/otlp");
  assert.equal(settingsOf(variant("flink"), "taskmanager").tracesEndpoint, undefined);
  assert.ok(canReach(policies, peer("taskmanager"), collector, 443));
  assert.ok(!canReach(policies, peer("taskmanager"), collector, 4318));
  assert.ok(!canReach(policies, peer("jobmanager"), collector, 443));
});

test("relays reach the Redis of Flink's engine, and none of its processes", { skip }, () => {
  const values = { ...SERVING_VARIANTS.flink, relay: { enabled: true, from: [{ ipBlock: { cidr: "192.0.2.0/24" } }] } };
  const policies = objectsOf(helm, values).filter(({ kind }) => kind === "NetworkPolicy");
  const relay = { address: "192.0.2.9" };
  assert.ok(canReach(policies, relay, peer("redis"), 6379));
  assert.ok(!canReach(policies, { address: "198.51.100.7" }, peer("redis"), 6379));
  assert.ok(!canReach(policies, relay, peer("jobmanager"), 6123));
  assert.ok(!canReach(policies, relay, peer("taskmanager"), 6122));
});

test("the job manager has a Service, neither process metrics, and disruption takes one task manager at a time", {
  skip,
}, () => {
  const objects = variant("flink");
  const chosen = (kind: string, name: string): string[] => {
    const { spec } = find(objects, kind, name);
    const pairs = Object.entries(spec.selector.matchLabels ?? spec.selector);
    const pods = listPods(objects).filter(({ metadata }) =>
      pairs.every(([key, value]) => metadata.labels[key] === value),
    );
    return pods.map(({ name: pod }) => pod);
  };
  assert.deepEqual(chosen("Service", "clouds-jobmanager"), ["clouds-jobmanager"]);
  assert.deepEqual(chosen("Service", "clouds-metrics"), ["clouds-gateway"]);
  assert.deepEqual(chosen("PodDisruptionBudget", "clouds-taskmanager"), ["clouds-taskmanager"]);
  assert.equal(find(objects, "PodDisruptionBudget", "clouds-jobmanager"), undefined);
});
