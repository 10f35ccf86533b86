// SPDX-License-Identifier: Apache-2.0
// One job that declares nearly all that a job file can, in a namespace that enforces Pod Security "restricted": each takes effect.
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeZip } from "../../cli/src/testing/zip.ts";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { findRelease, PAUSE_MS, type Release } from "./chart/release.ts";
import { makeTool, type Started, type Tool } from "./chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 300_000;
/** The job's ttl, and what Kubernetes takes to see that it is over. */
const GONE_MS = 90_000;
const NAME = "declared";
const TAINT = "bulwark-test/batch";
const LABEL = "bulwark-test/disk";

/** A pod as it was made, as far as the job file says it. */
type Made = {
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  spec: {
    priorityClassName?: string;
    priority?: number;
    preemptionPolicy?: string;
    nodeName: string;
    nodeSelector?: Record<string, string>;
    affinity?: object;
    tolerations: { key?: string; operator?: string }[];
    imagePullSecrets?: { name: string }[];
    containers: {
      env: { name: string; value?: string }[];
      volumeMounts: { mountPath: string; readOnly?: boolean }[];
    }[];
  };
};

let cluster: Cluster;
let namespace: TestNamespace;
let tool: Tool;
let release: Release;
let submitted: Started;
let data: string;
let logs: string;
let priorityClass: string;

const TOLERATION = { key: TAINT, operator: "Exists", effect: "NoSchedule" };
const AFFINITY = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: LABEL, operator: "In", values: ["fast"] }] }],
    },
  },
};

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("declared");
  tool = await makeTool(cluster);
  data = (await cluster.makeVolume(namespace, "data")).folder;
  logs = (await cluster.makeVolume(namespace, "logs")).folder;
  writeFileSync(join(data, "given.txt"), "given");
  priorityClass = namespace.name;
  const inNamespace = { namespace: namespace.name };
  await cluster.apply([
    {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: priorityClass },
      value: 1000,
      preemptionPolicy: "Never",
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "registry", ...inNamespace },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": JSON.stringify({ auths: {} }) },
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "notes", ...inNamespace }, data: { "note.txt": "noted" } },
  ]);
  await cluster.kubectl(["taint", "node", cluster.nodeName, `${TAINT}=yes:NoSchedule`, "--overwrite"]);
  await cluster.kubectl(["label", "node", cluster.nodeName, `${LABEL}=fast`, "--overwrite"]);
  submitted = submit();
  release = findRelease(cluster, namespace, NAME);
});

after(async () => {
  tool?.stop();
  await cluster?.kubectl(["taint", "node", cluster.nodeName, `${TAINT}-`]).catch(() => undefined);
  await cluster?.kubectl(["label", "node", cluster.nodeName, `${LABEL}-`]).catch(() => undefined);
  await cluster?.kubectl(["delete", "priorityclass", priorityClass, "--ignore-not-found"]);
  await namespace?.remove();
});

function submit(): Started {
  cpSync(join(import.meta.dirname, "jobs/declared.py"), join(tool.home, "declared.py"));
  writeFileSync(join(tool.home, "beside.py"), 'WORD = "beside"\n');
  writeFileSync(join(tool.home, "packed.zip"), makeZip(["packed.py"]));
  writeFileSync(join(tool.home, "settings.txt"), "set\n");
  writeFileSync(join(tool.home, "extra.jar"), makeZip(["marker.txt"]));
  const file = tool.writeJob(NAME, {
    python: "declared.py",
    args: ["/mnt/data", "$(HOME) stays as it is"],
    pyFiles: ["beside.py", "packed.zip"],
    files: ["settings.txt"],
    jars: ["extra.jar"],
    sparkConf: { "spark.sql.shuffle.partitions": 3 },
    driver: {
      memory: "512m",
      memoryOverhead: "500m",
      env: { WHO: "driver", TF_MKL_ALLOC_MAX_BYTES: 10737418240 },
      podTemplate: { labels: { team: "blue" }, annotations: { note: "of the driver" } },
    },
    executor: {
      memory: "512m",
      instances: 1,
      env: { WHO: "executor" },
      tolerations: [{ key: "bulwark-test/spot", operator: "Exists" }],
      podTemplate: { labels: { team: "red" }, annotations: { note: "of executors" } },
    },
    volumes: {
      data: { claim: "data", mountPath: "/mnt/data", readOnly: false },
      notes: { configMap: "notes", mountPath: "/mnt/notes", roles: ["driver"] },
      fast: { scratch: "64m", memory: true, mountPath: "/mnt/fast" },
    },
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [TOLERATION],
    affinity: AFFINITY,
    priorityClassName: priorityClass,
    imagePullSecrets: ["registry"],
    dynamicAllocation: { enabled: true, minimum: 1, maximum: 2 },
    eventLog: { pvc: "logs", dir: "history" },
    ttl: "20s",
    timeout: "20m",
  });
  return tool.start("submit", "-f", file, "-n", namespace.name, "--follow");
}

const listMade = (role: string): Promise<Made[]> => release.pods(role) as Promise<unknown> as Promise<Made[]>;

test("everything that a job file declares is admitted, runs, and takes effect", {
  timeout: 600_000,
}, async (context) => {
  await until(
    "the program to have seen everything",
    () => {
      assert.equal(submitted.child.exitCode, null, submitted.said.stderr);
      return /^declared /m.test(submitted.said.stdout);
    },
    STEP_MS,
    PAUSE_MS,
  );
  const [driver] = await listMade("driver");
  const executors = await listMade("executor");
  type Job = { spec: { ttlSecondsAfterFinished: number; activeDeadlineSeconds: number } };
  const { spec: job } = await cluster.get<Job>(["job", NAME, "-n", namespace.name]);
  writeFileSync(join(data, "enough"), "");
  const { code, stdout, stderr } = await submitted.ended;
  assert.equal(code, EXIT.done, stderr);

  await context.test("in the program's eyes", () => {
    const seen = JSON.parse(/^declared (.*)$/m.exec(stdout)?.[1] ?? "");
    const { executors: looks, ...own } = seen;
    assert.deepEqual(own, {
      text: "$(HOME) stays as it is",
      env: "driver",
      beside: "beside",
      packed: "packed",
      jar: true,
      notes: "noted",
      setting: "3",
      tracking: "true",
    });
    const look = {
      env: "executor",
      settings: "set",
      beside: "beside",
      claim: true,
      notes: false,
      scratch: true,
      token: false,
    };
    assert.deepEqual(looks, [look, look], "two executors, of which dynamic allocation asked for one");
    assert.equal(readFileSync(join(data, "said.txt"), "utf8"), "$(HOME) stays as it is");
  });

  await context.test("in the specs of its pods", () => {
    assert.ok(driver !== undefined && executors.length === 2);
    for (const { metadata, spec } of [driver, ...executors]) {
      const { name } = metadata;
      assert.deepEqual(
        [spec.priorityClassName, spec.priority, spec.preemptionPolicy],
        [priorityClass, 1000, "Never"],
        name,
      );
      assert.equal(spec.nodeName, cluster.nodeName, name);
      assert.equal(spec.nodeSelector?.["kubernetes.io/os"], "linux", name);
      assert.deepEqual(spec.affinity, AFFINITY, name);
      // Spark adds what the template has already.
      assert.deepEqual(new Set(spec.imagePullSecrets?.map((secret) => secret.name)), new Set(["registry"]), name);
      assert.ok(
        spec.tolerations.some(({ key }) => key === TAINT),
        name,
      );
    }
    const told = ({ metadata: { labels, annotations }, spec }: Made) => [
      labels.team,
      annotations.note,
      spec.tolerations.some(({ key }) => key === "bulwark-test/spot"),
      spec.containers[0]?.volumeMounts.filter(({ mountPath }) => mountPath.startsWith("/mnt/")).length,
    ];
    assert.deepEqual(told(driver), ["blue", "of the driver", false, 3]);
    for (const executor of executors) assert.deepEqual(told(executor), ["red", "of executors", true, 2]);
    const variable = driver.spec.containers[0]?.env.find(({ name }) => name === "TF_MKL_ALLOC_MAX_BYTES");
    assert.equal(variable?.value, "10737418240", "a large number is no number with an exponent");
  });

  await context.test("on the claim of event logs", () => {
    const written = readdirSync(join(logs, "history"));
    assert.equal(written.length, 1, written.join(", "));
    assert.ok(readdirSync(join(logs, "bulwark-logs", NAME)).length > 0);
  });

  await context.test("in the life of the job", async () => {
    assert.deepEqual([job.ttlSecondsAfterFinished, job.activeDeadlineSeconds], [20, 1200]);
    const isGone = async (): Promise<boolean> => !(await release.left()).some((left) => /^(jobs|pods) /.test(left));
    await until("the ended job and its pods to be gone", isGone, GONE_MS, PAUSE_MS);
  });
  await release.uninstall();
});
