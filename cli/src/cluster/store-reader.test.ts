// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { ConfigMap, JobStatus } from "@bulwark/kubernetes";
import { chooseKept } from "./logs.ts";
import { describeStoreReader, storeOf } from "./store-reader.ts";

const STORE = "s3a://bucket/folder";

const makeStatus = (planned: Record<string, unknown>): JobStatus =>
  ({ name: "pi", namespace: "team", state: "succeeded", executors: [], planned }) as unknown as JobStatus;

const makeConfiguration = (template: unknown): ConfigMap => ({
  metadata: { name: "pi-conf" },
  data: { "driver.yaml": JSON.stringify(template) },
});

const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const DRIVER = {
  metadata: {
    labels: { "bulwark/role": "driver", "cloud/identity": "yes", "kueue.x-k8s.io/queue-name": "team" },
    annotations: {},
  },
  spec: {
    serviceAccountName: "pi-driver",
    automountServiceAccountToken: true,
    runtimeClassName: "kata",
    schedulerName: "volcano",
    nodeSelector: { disk: "fast" },
    securityContext: { runAsNonRoot: true },
    containers: [
      {
        name: "spark-driver",
        args: ["driver"],
        ports: [{ containerPort: 4440 }],
        env: [
          { name: "BULWARK_DRIVER_MEMORY", value: "100g" },
          { name: "AWS_REGION", value: "here" },
        ],
        resources: { limits: { memory: "110Gi" } },
        securityContext: RESTRICTED,
        volumeMounts: ["conf", "tmp", "secret-keyring", "user-site"].map((name) => ({ name, mountPath: `/${name}` })),
      },
    ],
    volumes: ["conf", "tmp", "secret-keyring", "user-site"].map((name) => ({ name })),
  },
};

test("a store is an address that is on no claim and in no pod", () => {
  const rows: [Record<string, unknown>, string | undefined][] = [
    [{ eventLog: STORE }, STORE],
    [{ eventLog: "hdfs://names:8020/logs" }, "hdfs://names:8020/logs"],
    [{ eventLog: "file:///var/bulwark/eventlog", eventLogClaim: "logs" }, undefined],
    [{ eventLog: "file:///tmp/logs" }, undefined],
    [{}, undefined],
  ];
  for (const [planned, expected] of rows) assert.equal(storeOf(makeStatus(planned)), expected);
});

test("parts whose pods are gone come from the store as they do from a claim", () => {
  assert.deepEqual(chooseKept(makeStatus({ eventLog: STORE }), [], false), ["driver", "executor *"]);
  assert.deepEqual(chooseKept(makeStatus({ eventLog: STORE }), ["executor 1"], false), ["executor 1"]);
  assert.deepEqual(chooseKept(makeStatus({ eventLog: "file:///tmp/logs" }), [], false), []);
});

test("the reader gets in as the driver did, with nothing of the job's own", () => {
  const status = makeStatus({ eventLog: STORE, image: "spark:1" });
  const { metadata, spec } = describeStoreReader("pi-copy-1", status, makeConfiguration(DRIVER));
  const { labels } = metadata as { labels: Record<string, string> };
  assert.equal(labels["bulwark/role"], "reader");
  assert.equal(labels["cloud/identity"], "yes");
  assert.equal(labels["kueue.x-k8s.io/queue-name"], undefined);
  const its = spec as unknown as Record<string, unknown>;
  assert.equal(its.serviceAccountName, "pi-driver");
  assert.equal(its.automountServiceAccountToken, false);
  assert.deepEqual(its.nodeSelector, { disk: "fast" });
  assert.deepEqual([its.runtimeClassName, its.schedulerName], [undefined, undefined]);
  assert.deepEqual(its.securityContext, { runAsNonRoot: true });
  assert.deepEqual(
    spec.volumes.map(({ name }) => name),
    ["conf", "tmp", "user-site"],
  );
  const container = spec.containers[0] as unknown as Record<string, unknown>;
  assert.equal(container.image, "spark:1");
  assert.deepEqual([container.args, container.ports], [undefined, undefined]);
  assert.deepEqual(container.securityContext, RESTRICTED);
  assert.deepEqual(
    (container.volumeMounts as { name: string; readOnly?: boolean }[]).map((mount) => [mount.name, mount.readOnly]),
    [
      ["conf", true],
      ["tmp", undefined],
      ["user-site", true],
    ],
  );
  const env = new Map((container.env as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
  assert.equal(env.get("AWS_REGION"), "here");
  assert.notEqual(env.get("BULWARK_DRIVER_MEMORY"), "100g");
});

test("without the driver's description or image there is no reader", () => {
  const isUnknown = (error: unknown): boolean => error instanceof BulwarkError && error.code === "RELEASE_UNKNOWN";
  const of = makeStatus({ eventLog: STORE, image: "spark:1" });
  assert.throws(() => describeStoreReader("pi-copy-1", of, undefined), isUnknown);
  assert.throws(() => describeStoreReader("pi-copy-1", of, { metadata: { name: "pi-conf" }, data: {} }), isUnknown);
  const bare = makeStatus({ eventLog: STORE });
  assert.throws(() => describeStoreReader("pi-copy-1", bare, makeConfiguration(DRIVER)), isUnknown);
});
