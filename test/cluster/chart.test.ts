// SPDX-License-Identifier: Apache-2.0
// Jobs on a real node, with nothing but Helm: no tool of ours takes part.
import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DIGEST } from "../chart/variants.ts";
import { type Home, makeHome, REPOSITORY } from "../e2e/harness.ts";
import { install } from "./chart/release.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const PI = /^Pi is roughly 3\.1\d+$/m;
const DIAGNOSIS = join(REPOSITORY, "examples/diagnosis");

let cluster: Cluster;
let namespace: TestNamespace;
let home: Home;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("chart");
  home = await makeHome("patients", "labels", "models");
  // The Secrets of the older chart, made by one command.
  const { stdout, code, stderr } = await home.bulwark("keys", "export", "--kubernetes", "--namespace", namespace.name);
  assert.equal(code, 0, stderr);
  await cluster.run(cluster.programs.kubectl, ["apply", "-f", "-"], { input: stdout });
});
after(async () => {
  await namespace?.remove();
  await home?.remove();
});

for (const profile of ["aes-gcm", "tls"] as const) {
  test(`Spark-Pi prints its line under ${profile}, everything as planned, and nothing is left`, async () => {
    const release = await install(cluster, namespace, `pi-${profile}`, { security: { profile } });
    const { exitCode, log, progress, security, driver } = await release.end();
    assert.equal(exitCode, 0, log);
    assert.match(log, PI);
    assert.deepEqual([progress.state, progress.executors.wanted], ["succeeded", 2]);
    assert.equal(progress.tasks.done, progress.tasks.total);
    assert.deepEqual([security?.verdict, security?.profile, security?.tee], ["as planned", profile, "none"]);
    assert.deepEqual(
      security?.observations.filter(({ asPlanned }) => !asPlanned),
      [],
    );
    assert.equal(driver.metadata.annotations?.["bulwark/tee"], "none");
    await release.uninstall();
  });
}

test("a Python program that was sent along fails with its own words, and is not repeated", async () => {
  const program = { "fail.py": "import sys\nraise ValueError('no such patient')\n" };
  const release = await install(cluster, namespace, "fail", { python: "fail.py", program });
  const { exitCode, progress } = await release.end();
  assert.equal(exitCode, 5);
  assert.deepEqual([progress.state, progress.failure?.code], ["failed", "JOB_FAILED"]);
  assert.equal(progress.failure?.message, "ValueError: no such patient");
  await release.uninstall();
});

test("a password that does not open the stores is found before anything starts", async () => {
  const metadata = { name: "other-password", namespace: namespace.name };
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { password: "another one" } });
  const secrets = { password: "other-password" };
  const release = await install(cluster, namespace, "mismatch", { retries: 3, security: { secrets } });
  const { exitCode, progress } = await release.end();
  assert.deepEqual([exitCode, progress.failure?.code], [3, "SECRET_MISMATCH"]);
  assert.equal((await release.pods("driver")).length, 1, "what cannot succeed is not tried again");
  assert.equal((await release.pods("executor")).length, 0);
  await release.uninstall();
});

test("deployMode cluster: the driver belongs to the launcher, and goes with it", async () => {
  const release = await install(cluster, namespace, "apart", { deployMode: "cluster" });
  const { exitCode, log, driver } = await release.end();
  assert.equal(exitCode, 0, log);
  assert.match(log, PI);
  const [launcher] = await release.pods("launcher");
  assert.equal(launcher?.status.phase, "Succeeded");
  assert.deepEqual(
    driver.metadata.ownerReferences?.map(({ uid }) => uid),
    [launcher?.metadata.uid],
  );
  await release.uninstall();
});

test("diagnosis learns from an encrypted table on a claim, and writes its model encrypted", async () => {
  const { folder } = await cluster.makeVolume(namespace, "patients");
  await makePatients("patients.parquet");
  await cp(join(home.jobs, "patients.parquet"), join(folder, "patients.parquet"), { recursive: true });
  await cluster.run("chown", ["-R", "185:185", folder]);
  const keyring = await readFile(join(home.keys, "current/keyring.json"), "utf8");
  const metadata = { name: "keyring", namespace: namespace.name };
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { "keyring.json": keyring } });
  const release = await install(cluster, namespace, "diagnosis", {
    python: "diagnosis.py",
    program: { "diagnosis.py": await readFile(join(DIAGNOSIS, "diagnosis.py"), "utf8") },
    args: ["{data.patients}", "{data.model}"],
    pvc: "patients",
    security: { secrets: { keyring: "keyring" } },
    data: {
      patients: { path: "patients.parquet", key: "patients", columns: { diagnosis: "labels" } },
      model: { path: "out/model", mode: "write", key: "models" },
    },
    sparkConf: { "spark.sql.shuffle.partitions": 4 },
  });
  const { exitCode, log, progress } = await release.end();
  assert.equal(exitCode, 0, `${JSON.stringify(progress)}\n${log}`);
  assert.match(log, /AUC on unseen patients: (1\.0|0\.9)\d+/);
  const model = await cluster.run("find", [join(folder, "out/model"), "-name", "part-*", "-size", "+0"]);
  const files = model.split("\n").filter((line) => line !== "");
  assert.ok(files.length > 0, "the model was published");
  for (const file of files) {
    const magic = (await readFile(file)).subarray(0, 4).toString("latin1");
    assert.ok(["PARE", "BWKG"].includes(magic), `${file} begins with ${magic}`);
  }
  await release.uninstall();
});

/**
 * A table of the form of the example's, encrypted: no network leads out of the node, so the real one cannot be fetched
 * here. Each measurement tells a little about the diagnosis.
 */
async function makePatients(name: string): Promise<void> {
  const statistics = ["mean", "error", "worst"];
  const measurements = ["radius", "texture", "perimeter", "area", "smoothness", "symmetry"];
  const header = statistics.flatMap((statistic) => measurements.map((measurement) => `${statistic}_${measurement}`));
  const rows = Array.from({ length: 569 }, (_row, row) => {
    const benign = row % 3 === 0 ? 0 : 1;
    const values = header.map((_name, column) => Math.sin(row * 13.37 + column * 7.7) * 2 + benign + column);
    return [...values.map((value) => value.toFixed(4)), benign].join(",");
  });
  await home.write("patients.csv", `${[...header, "diagnosis"].join(",")}\n${rows.join("\n")}\n`);
  const keys = ["--key", "patients", "--column", "diagnosis=labels"];
  const { code, stderr } = await home.bulwark("data", "encrypt", "patients.csv", name, ...keys);
  assert.equal(code, 0, stderr);
}

test("simulation runs anywhere, and is called so everywhere", async () => {
  const release = await install(cluster, namespace, "pretend", { trust: { tee: "simulation" } });
  const { exitCode, security, driver, log } = await release.end();
  assert.equal(exitCode, 0, log);
  assert.equal(security?.tee, "simulation");
  assert.equal(driver.metadata.annotations?.["bulwark/tee"], "simulation");
  await release.uninstall();
});

test("sgx: the pod is admitted, and placed by its resources alone", async () => {
  const wanted = { image: DIGEST, imagePullPolicy: "Never", trust: { tee: "sgx" } };
  const release = await install(cluster, namespace, "enclave", wanted);
  type Condition = { type: string; status: string };
  const isPlaced = async (): Promise<string | undefined> => {
    const [pod] = (await release.pods("driver")) as unknown as { status: { conditions?: Condition[] } }[];
    return pod?.status.conditions?.find(({ type }) => type === "PodScheduled")?.status;
  };
  await until("a node without SGX to be passed over", async () => (await isPlaced()) === "False");
  const undo = await cluster.patchNode({
    "sgx.intel.com/epc": "16Gi",
    "sgx.intel.com/enclave": "110",
    "sgx.intel.com/provision": "110",
  });
  const label = "intel.feature.node.kubernetes.io/sgx";
  await cluster.kubectl(["label", "node", cluster.nodeName, `${label}=true`, "--overwrite"]);
  try {
    await until("the driver to be placed", async () => (await isPlaced()) === "True");
  } finally {
    await release.uninstall();
    await cluster.kubectl(["label", "node", cluster.nodeName, `${label}-`]);
    await undo();
  }
});

test("the driver's token reads no Secret, no node and no other namespace; executors have none", async () => {
  const release = await install(cluster, namespace, "rights", { suspend: true });
  const user = `system:serviceaccount:${namespace.name}:rights-driver`;
  type Review = { status: { allowed: boolean } };
  const can = async (verb: string, named: string, where: string): Promise<boolean> => {
    const [path = "", subresource = ""] = named.split("/");
    const [resource = "", group = ""] = path.split(".");
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, resourceAttributes: { verb, group, resource, subresource, namespace: where } },
    };
    const input = JSON.stringify(review);
    const answer = await cluster.run(cluster.programs.kubectl, ["create", "-o", "json", "-f", "-"], { input });
    return (JSON.parse(answer) as Review).status.allowed;
  };
  assert.equal(await can("create", "pods", namespace.name), true);
  for (const [verb, what, where] of [
    ["get", "secrets", namespace.name],
    ["list", "secrets", namespace.name],
    ["list", "pods", "default"],
    ["get", "nodes", ""],
    ["create", "serviceaccounts/token", namespace.name],
    ["create", "pods/exec", namespace.name],
    ["create", "jobs.batch", namespace.name],
  ] as const) {
    assert.equal(await can(verb, what, where), false, `${verb} ${what} in ${where}`);
  }
  const executor = await cluster
    .kubectl(["auth", "can-i", "list", "pods", "-n", namespace.name, "--as", user.replace("driver", "executor")])
    .catch(() => "no");
  assert.match(executor, /^no/);
  await release.uninstall();
});
