// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { KubeObject } from "@bulwark/kubernetes";
import { listArguments, listMounted } from "./rendered.ts";

const volumeMounts = [
  { name: "conf", mountPath: "/etc/conf" },
  { name: "program", mountPath: "/opt/program" },
  { name: "own", mountPath: "/mnt/own" },
];
const volumes = [
  {
    name: "conf",
    configMap: {
      name: "pi-conf",
      items: [
        { key: "a", path: "b" },
        { key: "absent", path: "absent" },
      ],
    },
  },
  { name: "program", configMap: { name: "pi-program" } },
  { name: "own", configMap: { name: "of-somebody-else" } },
  { name: "unmounted", configMap: { name: "pi-program" } },
  { name: "secret", secret: { secretName: "pi-secret" } },
];
const pod = { spec: { containers: [{ args: ["driver", "--class", "A"], volumeMounts }], volumes } };
const executor = { spec: { containers: [{ volumeMounts: volumeMounts.slice(0, 1) }], volumes: volumes.slice(0, 1) } };
const maps = [
  // As YAML has what a template leaves empty.
  { kind: "ConfigMap", metadata: { name: "pi-conf" }, data: { a: "é", c: "not mounted" }, binaryData: null },
  { kind: "ConfigMap", metadata: { name: "pi-program" }, data: null, binaryData: { "lib.zip": "AP8=" } },
  { kind: "ConfigMap", metadata: { name: "pi-pods" }, data: { "executor.yaml": JSON.stringify(executor) } },
];
const digest = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

test("what a release mounts is found with its content's digest, in a Job as in a schedule", () => {
  const job = { kind: "Job", metadata: { name: "pi" }, spec: { template: pod } };
  const schedule = { kind: "CronJob", metadata: { name: "pi" }, spec: { jobTemplate: { spec: { template: pod } } } };
  for (const workload of [job, schedule]) {
    const objects = [...maps, workload] as unknown as KubeObject[];
    assert.deepEqual(listMounted(objects, "driver"), [
      { path: "/etc/conf/b", sha256: digest("é") },
      { path: "/opt/program/lib.zip", sha256: digest(Buffer.from([0, 255])) },
    ]);
    assert.deepEqual(listMounted(objects, "executor"), [{ path: "/etc/conf/b", sha256: digest("é") }]);
    assert.deepEqual(listArguments(objects, "driver"), ["--class", "A"]);
  }
});
