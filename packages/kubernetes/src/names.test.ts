// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RESOURCES } from "./api/resources.ts";
import { countPlaced, listFreeNodes, takes } from "./capacity.ts";
import { findLeftovers, RELEASE_KINDS, readHelmReleases } from "./leftovers.ts";
import { isOurs, labelsOf, parseReleaseName, selectorOf } from "./names.ts";
import { parseQuantity } from "./quantity.ts";
import { listRights, showRight } from "./rights.ts";
import { explainUnschedulable } from "./unschedulable.ts";

test("names are those that Kubernetes takes, and others get one that is near", () => {
  for (const name of ["a", "0", "sales-report", "a".repeat(40)]) assert.equal(parseReleaseName(name), name);
  for (const name of ["", "-a", "a-", "A", "a_b", "a.b", "ä", "a".repeat(41), "a".repeat(200), "a b", "../a", "a\n"]) {
    assert.throws(() => parseReleaseName(name), { code: "RELEASE_NAME_INVALID" }, name);
  }
  assert.throws(() => parseReleaseName("Sales Report!"), { mend: "name it for instance: sales-report" });
});

test("the name in a mend is always one that is taken", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 250 }), (name) => {
      try {
        parseReleaseName(name);
      } catch (error) {
        const { mend } = error as { mend: string };
        parseReleaseName(mend.replace("name it for instance: ", ""));
      }
    }),
  );
});

test("only what carries our labels is ours", () => {
  assert.ok(isOurs({ name: "x", labels: labelsOf("sales") }));
  for (const labels of [
    {},
    { ...labelsOf("sales"), "app.kubernetes.io/part-of": "other" },
    { "app.kubernetes.io/instance": "sales" },
  ]) {
    assert.ok(!isOurs({ name: "x", labels }));
  }
  assert.ok(selectorOf("sales").includes("app.kubernetes.io/instance=sales"));
});

test("leftovers are old, ours, and of no release", () => {
  const [resource] = RELEASE_KINDS;
  assert.ok(resource);
  const object = (name: string, creationTimestamp: string, labels: Record<string, string> = labelsOf(name)) => ({
    resource,
    object: { metadata: { name, creationTimestamp, labels } },
  });
  const found = findLeftovers(
    [
      object("lost", "2026-03-01T11:00:00Z"),
      object("young", "2026-03-01T11:59:00Z"),
      object("alive", "2026-03-01T11:00:00Z"),
      object("foreign", "2026-03-01T11:00:00Z", {}),
    ],
    new Set(["alive"]),
    new Date("2026-03-01T11:55:00Z"),
  );
  assert.deepEqual(
    found.map(({ name }) => name),
    ["lost"],
  );
});

test("what has an owner, or was applied without Helm, is no leftover", () => {
  const make = (release: string, name: string, more: object = {}) => ({
    resource: RESOURCES.configmaps,
    object: { metadata: { name, creationTimestamp: "2026-03-01T11:00:00Z", labels: labelsOf(release), ...more } },
  });
  const byHelm = { annotations: { "meta.helm.sh/release-name": "lost" } };
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "lost-conf", uid: "1" };
  const found = findLeftovers(
    [
      make("lost", "lost-conf", byHelm),
      make("lost", "lost-secret", { ownerReferences: [owner] }),
      make("applied", "applied-conf"),
      make("applied", "applied-program"),
    ],
    new Set(),
    new Date("2026-03-01T11:55:00Z"),
  );
  assert.deepEqual(
    found.map(({ name }) => name),
    ["lost-conf"],
  );
});

test("of a release that is uninstalled Helm may keep history alone", () => {
  const record = (name: string, status?: string) => ({
    metadata: { name: `sh.helm.release.v1.${name}`, labels: { name, ...(status === undefined ? {} : { status }) } },
  });
  const names = readHelmReleases([
    record("past", "superseded"),
    record("past", "uninstalled"),
    record("alive", "superseded"),
    record("alive", "failed"),
    record("pending", "pending-install"),
    record("untold"),
  ]);
  assert.deepEqual([...names].toSorted(), ["alive", "pending", "untold"]);
});

test("quantities are read as Kubernetes writes them", () => {
  const rows: [string, number][] = [
    ["1", 1],
    ["1500m", 1.5],
    ["2Gi", 2 ** 31],
    ["64Mi", 2 ** 26],
    ["1e3", 1000],
    ["0.5", 0.5],
    ["128974848", 128974848],
  ];
  for (const [text, value] of rows) assert.equal(parseQuantity(text), value, text);
  for (const text of ["", "x", "1X", "Gi"]) assert.ok(Number.isNaN(parseQuantity(text)), text);
});

test("room on nodes is what their pods leave, and a pod needs one node", () => {
  const node = (name: string, cpu: string, taints: { key: string; effect: string }[] = []) => ({
    metadata: { name },
    spec: { taints },
    status: { allocatable: { cpu, memory: "4Gi", pods: "10" }, conditions: [{ type: "Ready", status: "True" }] },
  });
  const pod = {
    metadata: { name: "p" },
    spec: { nodeName: "a", containers: [{ name: "c", resources: { requests: { cpu: "1500m" } } }] },
    status: { phase: "Running" },
  };
  const down = { ...node("down", "8"), status: { conditions: [{ type: "Ready", status: "Unknown" }] } };
  const free = listFreeNodes(
    [node("a", "2"), node("b", "2"), node("closed", "8", [{ key: "k", effect: "NoSchedule" }]), down],
    [pod],
  );
  assert.deepEqual(
    free.map(({ name, free: { cpu, pods } }) => [name, cpu, pods]),
    [
      ["a", 0.5, 9],
      ["b", 2, 10],
      ["closed", 8, 10],
    ],
  );
  const one = { amounts: { cpu: 1, memory: 2 ** 30, pods: 1 }, selector: {}, tolerations: [] };
  assert.equal(countPlaced(free, [one, one, one]), 2);
  const tolerant = { ...one, tolerations: [{ key: "k", operator: "Exists" }] };
  assert.equal(countPlaced(free, [one, one, tolerant]), 3);
  assert.equal(countPlaced(free, [{ ...one, selector: { disk: "fast" } }]), 0);
});

test("a node takes a pod that tolerates its taints and wants its labels", () => {
  const taint = { key: "team", value: "a", effect: "NoSchedule" };
  const node = { name: "n", free: {}, labels: { disk: "fast" }, taints: [taint] };
  const rows: [object[], boolean][] = [
    [[], false],
    [[{ operator: "Exists" }], true],
    [[{ key: "team", operator: "Exists" }], true],
    [[{ key: "team", operator: "Exists", effect: "NoExecute" }], false],
    [[{ key: "team", value: "a" }], true],
    [[{ key: "team", value: "b" }], false],
    [[{ key: "other", operator: "Exists" }], false],
    [[{}], false],
  ];
  for (const [tolerations, expected] of rows) {
    assert.equal(takes(node, { selector: {}, tolerations }), expected, JSON.stringify(tolerations));
  }
  const open = { ...node, taints: [{ ...taint, effect: "PreferNoSchedule" }] };
  assert.ok(takes(open, { selector: { disk: "fast" }, tolerations: [] }));
  assert.ok(!takes(open, { selector: { disk: "slow" }, tolerations: [] }));
});

test("rights are asked for once each, and never for secrets of the driver", () => {
  const rights = listRights().map((right) => `${showRight(right)}.${right.group}`);
  assert.equal(new Set(rights).size, rights.length);
  assert.ok(rights.includes("create jobs.batch"));
  assert.ok(!rights.some((right) => right.includes("cluster") || right.includes("nodes")));
});

test("every sentence of the scheduler becomes words and a mend", () => {
  fc.assert(
    fc.property(fc.string(), (message) => {
      const { words, mend } = explainUnschedulable(message);
      assert.ok(words.length > 0 && words.length < 1000 && mend !== "");
    }),
  );
  const { words } = explainUnschedulable(
    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: gpu}. preemption: 0/2 nodes are available: 2 Insufficient memory.",
  );
  assert.match(words, /0 of 2 nodes.*1 with too few cores.*taint.*dedicated/);
  assert.ok(!words.includes("memory"));
  const about = (message: string, role?: string) =>
    explainUnschedulable(`0/1 nodes are available: ${message}`, role).path;
  assert.equal(about("1 Insufficient memory.", "executor"), "executor.memory");
  assert.equal(about("1 node(s) had untolerated taint {a: b}.", "driver"), "tolerations");
  // A launcher's size is not in the job file.
  assert.equal(about("1 Insufficient cpu."), undefined);
});
