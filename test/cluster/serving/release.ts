// SPDX-License-Identifier: Apache-2.0
// A release of charts/serving on the node: its namespace, models and Secrets, and what becomes of it.
import assert from "node:assert/strict";
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeSum } from "../../../packages/inference/src/testing/models.ts";
import type { Image } from "../../../scripts/images/build.ts";
import { REPOSITORY } from "../../e2e/harness.ts";
import { makeTool, type Tool } from "../chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "../fixture/index.ts";
import { NETWORK } from "../fixture/network.ts";
import { askWhile, type Caller, type LoadCounts, type Target } from "./caller.ts";

const CHART = join(REPOSITORY, "charts", "serving");
/** The pods' network on the node. */
const BRIDGE = "cni0";
/** So many are answered before and after what happens to a part. */
const AROUND = 100;
export const READY_LIMIT = "300s";

export type Pod = {
  metadata: { name: string; labels: Record<string, string> };
  status: { podIP: string; containerStatuses?: { lastState: { terminated?: { reason: string } } }[] };
};

export type ServingRelease = {
  cluster: Cluster;
  namespace: TestNamespace;
  /** Puts a file onto the claim `models`. */
  placeModel(path: string, bytes: Buffer): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  /** `helm install` or `upgrade`, until everything is ready; what the pods say when it is not. */
  helm(verb: "install" | "upgrade", values: object): Promise<void>;
  /** A port of the gateways' Service. */
  findTarget(port: number): Promise<Target>;
  listPods(part: string): Promise<Pod[]>;
  /** Parts of the pods that there are, one for each. */
  listParts(): Promise<string[]>;
  /** Uninstalls it; what is left then, but for the claim of the queue and the Secrets that were made beside it. */
  uninstall(): Promise<string[]>;
  close(): Promise<void>;
};

/** Makes everything that a release called `clouds` needs. */
export async function prepareRelease(name: string, images: readonly Image[]): Promise<ServingRelease> {
  const cluster = await joinCluster();
  // Only pods know the way to Services, and callers are on the node itself here.
  await cluster.run("ip", ["route", "replace", NETWORK.services, "dev", BRIDGE]);
  for (const { archive, name: image } of images) await cluster.loadImage(archive, image);
  const namespace = await cluster.makeNamespace(name);
  const tool = await makeTool(cluster, "serving-records", "models");
  const { folder: models } = await cluster.makeVolume(namespace, "models");
  await placeModels(cluster, tool, models);
  // The node has nobody who makes volumes: the claim that the StatefulSet would make is there already.
  await cluster.makeVolume(namespace, "data-clouds-redis-0");
  const names = ["--serving", "clouds", "--data", "models", "-n", namespace.name];
  const { stdout, stderr, code } = await tool.run("keys", "export", "--kubernetes", ...names);
  assert.equal(code, 0, stderr);
  await cluster.kubectl(["apply", "--server-side", "-f", "-"], { input: stdout });

  const inNamespace = ["-n", namespace.name];
  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl([...inNamespace, ...args]);
  const list = async (...selector: string[]): Promise<Pod[]> =>
    (await cluster.get<{ items: Pod[] }>([...inNamespace, "pods", ...selector])).items;
  const listLeft = async (): Promise<string[]> =>
    (await kubectl("get", KINDS.join(","), "-o", "name")).split("\n").filter((one) => one.includes("clouds"));
  return {
    ...{ cluster, namespace, kubectl },
    async placeModel(path, bytes) {
      await place(join(models, path), bytes);
      await cluster.run("chmod", ["-R", "a+rX", models]);
    },
    async helm(verb, values) {
      const input = JSON.stringify(values);
      const args = [verb, "clouds", CHART, ...inNamespace, "-f", "-", "--wait", "--timeout", READY_LIMIT];
      await cluster.run(cluster.programs.helm, args, { input }).catch(async (error: Error) => {
        const said = [await kubectl("get", "pods", "-o", "wide"), await kubectl("get", "events")];
        const logs = await kubectl("logs", "-l", "app.kubernetes.io/name=serving", "--tail=20", "--prefix");
        throw new Error([error.message, ...said, logs].join("\n"));
      });
    },
    async findTarget(port) {
      const { spec } = await cluster.get<{ spec: { clusterIP: string } }>([...inNamespace, "service", "clouds"]);
      return { host: spec.clusterIP, port, servername: `clouds.${namespace.name}.svc` };
    },
    listPods: (part) => list("-l", `app.kubernetes.io/component=${part}`),
    listParts: async () =>
      (await list()).map(({ metadata }) => metadata.labels["app.kubernetes.io/component"] ?? "").sort(),
    async uninstall() {
      await cluster.run(cluster.programs.helm, ["uninstall", "clouds", ...inNamespace, "--wait"]);
      const kept = KEPT.map((part) => `secret/clouds-${part}`);
      const wanted = ["persistentvolumeclaim/data-clouds-redis-0", ...kept];
      await until("all of it to be gone", async () => (await listLeft()).length <= wanted.length);
      const left = await listLeft();
      assert.deepEqual(
        wanted.filter((one) => !left.includes(one)),
        [],
      );
      return left.filter((one) => !wanted.includes(one));
    },
    async close() {
      tool.stop();
      await namespace.remove();
    },
  };
}

const KINDS = [
  ...["pods", "deployments", "statefulsets", "replicasets", "services", "endpointslices", "configmaps"],
  ...["serviceaccounts", "networkpolicies", "poddisruptionbudgets", "horizontalpodautoscalers", "secrets"],
  "persistentvolumeclaims",
];
const KEPT = ["gateway", "engine", "redis", "keyring", "records", "tokens", "client", "flink"];

/** `sum` in two versions, `queued` for the queue, `closed` encrypted; all give the sum of two numbers. */
async function placeModels(cluster: Cluster, tool: Tool, folder: string): Promise<void> {
  for (const model of ["sum/1", "sum/2", "queued/1"]) await place(join(folder, model, "model.onnx"), writeSum());
  const open = await place(join(tool.home, "sum.onnx"), writeSum());
  const sealed = `${open}.sealed`;
  const { code, stderr } = await tool.run("model", "encrypt", open, sealed, "--key", "models");
  assert.equal(code, 0, stderr);
  await mkdir(join(folder, "closed/1"), { recursive: true });
  await cp(sealed, join(folder, "closed/1/model.onnx.sealed"));
  await cluster.run("chmod", ["-R", "a+rX", folder]);
}

async function place(path: string, bytes: Buffer): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  await chmod(path, 0o644);
  return path;
}

/** What becomes of callers who ask a model before, while and after something happens; nothing may be lost or wrong. */
export async function askAround(
  callers: readonly Caller[],
  model: string,
  act: () => Promise<void>,
): Promise<LoadCounts> {
  const counts = await askWhile(callers, model, async (seen) => {
    const answer = async (more: number): Promise<void> => {
      const wanted = seen.answered + more;
      await until(`${wanted} answers`, () => seen.answered >= wanted);
    };
    await answer(AROUND);
    await act();
    await answer(AROUND);
  });
  assert.deepEqual([[...new Set(counts.lost)], counts.wrong], [[], 0]);
  return counts;
}

/** What a pod of the release writes, it writes to /tmp alone and as nobody's root; and no secret is in its environment. */
export async function assertConfined({ listPods, kubectl }: ServingRelease, part: string): Promise<void> {
  const [pod] = await listPods(part);
  const run = (script: string): Promise<string> => kubectl("exec", pod?.metadata.name ?? "", "--", "sh", "-c", script);
  const said = await run("id -u; touch /opt/bulwark/x 2>&1; touch /etc/x 2>&1; touch /tmp/x && echo tmp");
  assert.match(said, /^185\n(.*Read-only file system\n){2}tmp\n$/, part);
  assert.doesNotMatch(await run("tr '\\0' '\\n' < /proc/1/environ"), /password|token|PRIVATE/i, part);
}
