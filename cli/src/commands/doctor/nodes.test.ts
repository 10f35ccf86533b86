// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJobFile } from "@bulwark/contracts";
import type { Node } from "@bulwark/kubernetes";
import { judgeCapacity } from "./nodes.ts";

const IMAGE = `registry.example/spark@sha256:${"ab".repeat(32)}`;
const SGX = { "sgx.intel.com/enclave": "8", "sgx.intel.com/provision": "8" };

function makeNode(amounts: Record<string, string>, parts: { labels?: Record<string, string>; taints?: object[] } = {}) {
  return {
    metadata: { name: "n", labels: parts.labels ?? {} },
    spec: { taints: parts.taints ?? [] },
    status: {
      allocatable: { cpu: "8", pods: "10", ...amounts },
      conditions: [{ type: "Ready", status: "True" }],
    },
  } as Node;
}

const judge = (job: object, node: Node): string => {
  const text = JSON.stringify({ image: IMAGE, executor: { instances: 1 }, ...job });
  return judgeCapacity(parseJobFile(text, { file: "job.json", target: "cluster" }).job, [node], []).state;
};

test("a job has room where its pods, as the chart makes them, are placed", () => {
  const labels = { "intel.feature.node.kubernetes.io/sgx": "true" };
  const taints = [{ key: "batch", effect: "NoSchedule" }];
  const tolerations = [{ key: "batch", operator: "Exists" }];
  const big = { driver: { memory: "4g" }, executor: { instances: 1, memory: "4g" } };
  const sgx = { trust: { tee: "sgx" } };
  const rows: [string, object, Node, string][] = [
    ["1 GiB and 384 MiB, twice", {}, makeNode({ memory: "2816Mi" }), "ok"],
    ["a MiB too little", {}, makeNode({ memory: "2815Mi" }), "fail"],
    ["four tenths beside the heap for Python", { ...big, python: "a.py" }, makeNode({ memory: "10Gi" }), "fail"],
    ["one tenth for a jar", { ...big, jar: "local:///a.jar", class: "A" }, makeNode({ memory: "10Gi" }), "ok"],
    ["room for the image in confidential VMs", { trust: { tee: "tdx" } }, makeNode({ memory: "11Gi" }), "fail"],
    ["of half of their memory", { trust: { tee: "tdx" } }, makeNode({ memory: "12Gi" }), "ok"],
    [
      "enclaves of a power of two",
      sgx,
      makeNode({ memory: "8Gi", "sgx.intel.com/epc": "3Gi", ...SGX }, { labels }),
      "fail",
    ],
    ["that fit", sgx, makeNode({ memory: "8Gi", "sgx.intel.com/epc": "4Gi", ...SGX }, { labels }), "ok"],
    ["on labelled nodes", sgx, makeNode({ memory: "8Gi", "sgx.intel.com/epc": "4Gi", ...SGX }), "fail"],
    ["a taint", {}, makeNode({ memory: "8Gi" }, { taints }), "fail"],
    ["a taint that is tolerated", { tolerations }, makeNode({ memory: "8Gi" }, { taints }), "ok"],
    [
      "a label that the executor wants",
      { executor: { instances: 1, nodeSelector: { disk: "fast" } } },
      makeNode({ memory: "8Gi" }),
      "fail",
    ],
  ];
  for (const [what, job, node, expected] of rows) assert.equal(judge(job, node), expected, what);
});
