// SPDX-License-Identifier: Apache-2.0
// Pods of every TEE before a real API server: admitted in a namespace that enforces "restricted", stored as meant,
// placed on a node that has what they ask for. Nothing starts in them here: there is no such hardware.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { parseQuantity } from "../../packages/kubernetes/src/index.ts";
import { DIGEST } from "../chart/variants.ts";
import { install, type Release } from "./chart/release.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const MIB = 2 ** 20;
const EPC = "sgx.intel.com/epc";
const DEVICES = { [EPC]: String(4096 * MIB), "sgx.intel.com/enclave": "10", "sgx.intel.com/provision": "10" };
const SGX_LABEL = "intel.feature.node.kubernetes.io/sgx";
const RUNTIME_CLASSES = ["kata-qemu-tdx", "kata-qemu-snp"];

type Stored = {
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    nodeName?: string;
    runtimeClassName?: string;
    overhead?: Record<string, string>;
    nodeSelector?: Record<string, string>;
    containers: {
      image: string;
      resources: { requests: Record<string, string>; limits?: Record<string, string> };
      env?: { name: string; value?: string }[];
      volumeMounts?: { subPath?: string; subPathExpr?: string }[];
    }[];
  };
};

let cluster: Cluster;
let namespace: TestNamespace;
let tool: Tool;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("tee");
  tool = await makeTool(cluster);
  const { stdout, code, stderr } = await tool.run("keys", "export", "--kubernetes", "--namespace", namespace.name);
  assert.equal(code, 0, stderr);
  await cluster.run(cluster.programs.kubectl, ["apply", "-f", "-"], { input: stdout });
  for (const name of RUNTIME_CLASSES) {
    const overhead = { podFixed: { memory: "100Mi" } };
    await cluster.apply({
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name },
      handler: name,
      overhead,
    });
  }
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
  await giveDevices(false);
  for (const name of RUNTIME_CLASSES) await cluster.kubectl(["delete", "runtimeclass", name]);
});

/** What Intel's device plugin and node feature discovery would say of the node. */
async function giveDevices(isThere: boolean): Promise<void> {
  const quantities = Object.fromEntries(Object.entries(DEVICES).map(([name, value]) => [name, isThere ? value : null]));
  const status = { capacity: quantities, allocatable: quantities };
  const patch = ["patch", "node", cluster.nodeName, "--type=merge", "-p"];
  await cluster.kubectl([...patch, JSON.stringify({ status }), "--subresource=status"]);
  await cluster.kubectl([...patch, JSON.stringify({ metadata: { labels: { [SGX_LABEL]: isThere ? "true" : null } } })]);
}

async function installFor(tee: string): Promise<{ release: Release; driver: Stored; executor: Stored }> {
  const values = { image: DIGEST, trust: { tee, imageMemory: "1g" }, driver: { memory: "700m", cores: 1 } };
  const release = await install(cluster, namespace, tee, tee === "none" ? { ...values, trust: { tee } } : values);
  await until("the driver's pod to be there", async () => (await release.pods("driver")).length === 1);
  return { release, driver: await readDriver(release), executor: await admitExecutor(tee) };
}

async function readDriver(release: Release): Promise<Stored> {
  const [pod] = await release.pods("driver");
  return cluster.get<Stored>(["-n", namespace.name, "pod", pod?.metadata.name ?? ""]);
}

/** The pod that Spark makes of the executor's template, as the server would store it. */
async function admitExecutor(release: string): Promise<Stored> {
  const { data } = await cluster.get<{ data: Record<string, string> }>([
    ...["-n", namespace.name, "configmap", `${release}-conf`],
  ]);
  const template = parse(data["executor.yaml"] ?? "") as Stored;
  template.metadata = { ...template.metadata, name: `${release}-exec-1` };
  const [container] = template.spec.containers;
  assert.ok(container !== undefined);
  container.image = DIGEST;
  const args = ["create", "--dry-run=server", "-n", namespace.name, "-o", "json", "-f", "-"];
  const input = JSON.stringify({ apiVersion: "v1", ...template, kind: "Pod" });
  return JSON.parse(await cluster.run(cluster.programs.kubectl, args, { input })) as Stored;
}

const isPlaced = (release: Release) => async (): Promise<boolean> =>
  (await readDriver(release)).spec.nodeName === cluster.nodeName;

function checkGuaranteed({ spec }: Stored): void {
  for (const { resources } of spec.containers) assert.deepEqual(resources.requests, resources.limits);
}

function checkMounts({ spec }: Stored): void {
  const mounts = spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  assert.ok(mounts.length > 0);
  assert.ok(mounts.every(({ subPath, subPathExpr }) => subPath === undefined && subPathExpr === undefined));
}

for (const tee of ["none", "simulation"]) {
  test(`${tee}: pods as they are everywhere, and each says so`, async () => {
    const { release, driver, executor } = await installFor(tee);
    for (const pod of [driver, executor]) {
      assert.equal(pod.spec.runtimeClassName, undefined);
      assert.ok(!Object.keys(pod.spec.containers[0]?.resources.limits ?? {}).some((name) => name.includes("sgx")));
      assert.equal(pod.metadata.annotations?.["bulwark/trust"], tee === "none" ? undefined : tee);
    }
    await until("the driver to have a node", isPlaced(release));
    await release.uninstall();
  });
}

test("sgx: waits in words where the node has no devices, and is placed when it has", async () => {
  const { release, driver, executor } = await installFor("sgx");
  for (const [pod, container] of [
    [driver, "spark-driver"],
    [executor, "spark-executor"],
  ] as const) {
    checkGuaranteed(pod);
    checkMounts(pod);
    const { limits = {} } = pod.spec.containers[0]?.resources ?? { limits: {} };
    assert.deepEqual([limits["sgx.intel.com/enclave"], limits["sgx.intel.com/provision"]], ["1", "1"]);
    const epc = parseQuantity(limits[EPC]);
    assert.ok(epc >= 700 * MIB && Number.isInteger(Math.log2(epc / MIB)), `${epc}`);
    assert.equal(pod.metadata.annotations?.["sgx.intel.com/quote-provider"], container);
    assert.equal(pod.spec.nodeSelector?.[SGX_LABEL], "true");
    assert.ok(pod.spec.containers[0]?.env?.some(({ name, value }) => name === "MALLOC_ARENA_MAX" && value === "4"));
  }
  await until("status to say what is missing", async () => {
    const { stdout } = await tool.run("status", "sgx", "-n", namespace.name, "-o", "json");
    return JSON.parse(stdout).reason?.kind === "unschedulable";
  });
  await giveDevices(true);
  await until("the driver to have a node", isPlaced(release));
  await release.uninstall();
});

for (const tee of ["tdx", "snp"]) {
  test(`${tee}: a confidential VM with room for the image, by its runtime class`, async () => {
    const { release, driver, executor } = await installFor(tee);
    for (const pod of [driver, executor]) {
      checkGuaranteed(pod);
      checkMounts(pod);
      assert.equal(pod.spec.runtimeClassName, `kata-qemu-${tee}`);
      assert.deepEqual(pod.spec.overhead, { memory: "100Mi" }, "admission adds what the VM takes");
      // Spark writes the memory of executors itself.
      const told = pod.metadata.annotations?.["io.katacontainers.config.hypervisor.default_memory"];
      assert.ok(Number(told) >= 2 * 1024, "at least twice the image");
      if (pod === driver)
        assert.equal(parseQuantity(pod.spec.containers[0]?.resources.limits?.memory), Number(told) * MIB);
    }
    await until("the driver to have a node", isPlaced(release));
    await release.uninstall();
  });
}
