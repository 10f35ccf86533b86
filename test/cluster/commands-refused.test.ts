// SPDX-License-Identifier: Apache-2.0
// Whatever is wrong is told before anything is made, all at once, with the exit code of the design.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse, stringify } from "yaml";
import { createTestFolder } from "../../cli/src/testing/context.ts";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { selectorOf } from "../../packages/kubernetes/src/index.ts";
import { joinCluster, type TestNamespace } from "./fixture/index.ts";

const TOOL = join(import.meta.dirname, "..", "..", "bulwark");
const HOME = createTestFolder();
const EVERYTHING = "all,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets";

const cluster = await joinCluster();
let namespace: TestNamespace;

type Failure = {
  code: string;
  mend: string;
  message: string;
  findings: { code: string; file?: string; line?: number; path?: string; message: string }[];
};

/** Calls the tool and returns its error; `exit` is the process's. */
function fail(args: readonly string[], kubeconfig = cluster.kubeconfig): Failure & { exit: number | null } {
  const env = { PATH: cluster.env.PATH, KUBECONFIG: kubeconfig, HOME };
  const { status, stdout } = spawnSync(TOOL, [...args, "-o", "json"], {
    cwd: HOME,
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { ...(JSON.parse(stdout) as { error: Failure }).error, exit: status };
}

const GOOD = { name: "job", image: "registry.invalid/spark:1", ui: { enabled: false } };
let jobs = 0;
function writeJob(job: object | string): string {
  const path = join(HOME, `job-${jobs++}.yaml`);
  writeFileSync(path, typeof job === "string" ? job : stringify({ ...GOOD, ...job }));
  return path;
}
const submit = (job: object | string, ...more: string[]) =>
  fail(["submit", "-f", writeJob(job), "-n", namespace.name, ...more]);

before(async () => {
  mkdirSync(join(HOME, ".config"), { recursive: true });
  namespace = await cluster.makeNamespace("refused");
});
after(() => namespace.remove());

test("job files that are wrong are refused with file and line, all findings at once", () => {
  const wrong = submit(
    "name: Job Name!\nimage: registry.invalid/spark:1\nexecutor:\n  instances: many\n  memory: 1x\nsparkConf:\n  spark.authenticate: false\n",
  );
  assert.deepEqual([wrong.code, wrong.exit], ["JOB_INVALID", EXIT.invalid]);
  assert.ok(wrong.findings.length >= 4, JSON.stringify(wrong.findings));
  assert.ok(wrong.findings.every(({ line }) => line !== undefined));
  assert.equal(submit("name: a\n\timage: b\n").exit, EXIT.invalid);
  assert.equal(submit("name: a\nname: b\nimage: c\n").exit, EXIT.invalid);
  assert.equal(submit({ image: undefined }).exit, EXIT.invalid);
  assert.equal(submit({ trust: { tee: "sgx" } }).exit, EXIT.invalid);
  assert.equal(submit({ python: "absent.py" }).findings[0]?.code, "JOB_FILE_REFERENCE");
  assert.equal(
    submit({ sparkConf: { "spark.ssl.rpc.enabled": true, "spark.network.crypto.enabled": true } }).exit,
    EXIT.invalid,
  );
});

test("names that cannot be are refused with one that can", () => {
  const inFile = submit({ name: "a".repeat(200) });
  assert.deepEqual([inFile.code, inFile.exit, inFile.findings[0]?.path], ["JOB_INVALID", EXIT.invalid, "name"]);
  const name = fail(["submit", "A".repeat(200), "-f", writeJob({}), "-n", namespace.name]);
  assert.deepEqual([name.code, name.exit], ["RELEASE_NAME_INVALID", EXIT.invalid]);
  assert.ok(name.message.length < 300);
  assert.equal(fail(["list", "-n", "Not_A_Namespace"]).exit, EXIT.invalid);
});

test("a cluster that is not meant, not there, or not ours is told as such", async () => {
  const other = join(HOME, "other.kubeconfig");
  const config = parse(readFileSync(cluster.kubeconfig, "utf8"));
  const change = (server: string): string => {
    writeFileSync(
      other,
      stringify({
        ...config,
        clusters: [{ ...config.clusters[0], cluster: { ...config.clusters[0].cluster, server } }],
      }),
    );
    return other;
  };
  // Whatever is wrong with the way to the cluster, each command says the same of it, and submit makes nothing.
  const expectBoth = (flags: string[], expected: [code: string, exit: number], kubeconfig?: string): void => {
    for (const command of [["list"], ["submit", "-f", writeJob({})]]) {
      const found = fail([...command, ...flags], kubeconfig);
      assert.deepEqual(at(found), expected, `${command[0]} ${flags.join(" ")}`);
      assert.ok(found.mend.length > 0 && found.message.length < 400);
    }
  };
  const here = ["-n", namespace.name];
  expectBoth(["-n", "nothere"], ["NAMESPACE_UNKNOWN", EXIT.invalid]);
  expectBoth(["-n", "n".repeat(200)], ["NAMESPACE_UNKNOWN", EXIT.invalid]);
  expectBoth(["--context", "c".repeat(200)], ["CONTEXT_UNKNOWN", EXIT.invalid]);
  expectBoth(["--context", "nothere"], ["CONTEXT_UNKNOWN", EXIT.invalid]);
  expectBoth(here, ["KUBECONFIG_MISSING", EXIT.invalid], join(HOME, "absent"));
  expectBoth(["--kubeconfig", join(HOME, "absent")], ["KUBECONFIG_MISSING", EXIT.invalid]);
  expectBoth(here, ["CLUSTER_UNREACHABLE", EXIT.unreachable], change("https://127.0.0.1:1"));
  const untrusted = stringify({
    ...config,
    clusters: [{ ...config.clusters[0], cluster: { server: config.clusters[0].cluster.server } }],
  });
  writeFileSync(other, untrusted);
  expectBoth(here, ["CLUSTER_UNTRUSTED", EXIT.unreachable], other);
  const expired = await cluster.kubeconfigFor({ user: "late", days: -1 });
  expectBoth(here, ["CLUSTER_UNAUTHENTICATED", EXIT.notPermitted], expired);
  const nobody = await cluster.kubeconfigFor({ user: "nobody" });
  expectBoth(here, ["CLUSTER_FORBIDDEN", EXIT.notPermitted], nobody);
  const users = config.users.map(({ name, user }: { name: string; user: object }) => ({
    ...{ name, user: { ...user, as: "limited", "as-groups": ["readers"] } },
  }));
  writeFileSync(other, stringify({ ...config, users }));
  expectBoth(here, ["CLUSTER_FORBIDDEN", EXIT.notPermitted], other);
});

const at = ({ code, exit }: Failure & { exit: number | null }) => [code, exit];

test("what the cluster lacks is found before anything is made, all at once", async () => {
  const lacking = submit({
    pvc: "no-claim",
    imagePullSecrets: ["no-secret"],
    volumes: { models: { mountPath: "/mnt/models", configMap: "no-map" } },
    security: { secrets: { application: "no-application" } },
  });
  assert.deepEqual([lacking.code, lacking.exit], ["PREFLIGHT_FAILED", EXIT.invalid]);
  assert.deepEqual(lacking.findings.map(({ path }) => path).sort(), [
    "imagePullSecrets.0",
    "pvc",
    "security.secrets.application",
    "volumes.models.configMap",
  ]);
  for (const { file, line, path } of lacking.findings) {
    const said = readFileSync(file ?? "", "utf8").split("\n")[(line ?? 0) - 1];
    assert.match(said ?? "", /no-(claim|secret|map|application)$/, path);
  }
  const nobody = await cluster.kubeconfigFor({ user: "nobody" });
  const forbidden = fail(["submit", "-f", writeJob({}), "-n", namespace.name], nobody);
  assert.deepEqual([forbidden.code, forbidden.exit], ["CLUSTER_FORBIDDEN", EXIT.notPermitted]);
  assert.ok(forbidden.findings.length > 20, "each right that is missing");
});

test("what the API server does not take of pods is found before anything is made, all at once", () => {
  const own = {
    affinity: { nodeAffinity: { nope: 1 } },
    tolerations: [{ key: "a", operator: "Banana" }],
    podTemplate: { hostAliases: [{ nope: 1 }], annotations: { "not a name": "x" } },
  };
  const found = ["affinity.nodeAffinity.nope", "podTemplate.annotations", "podTemplate.hostAliases.0.ip"];
  const expected = [...found, "podTemplate.hostAliases.0.nope", "tolerations.0.operator"];
  const rows: [job: object, paths: string[]][] = [
    [{ executor: own }, expected.map((path) => `executor.${path}`)],
    [{ driver: own }, expected.map((path) => `driver.${path}`)],
    [{ driver: own, deployMode: "cluster" }, expected.map((path) => `driver.${path}`)],
    [{ driver: own, schedule: "@daily" }, expected.map((path) => `driver.${path}`)],
    [
      { affinity: own.affinity, tolerations: own.tolerations },
      ["affinity.nodeAffinity.nope", "tolerations.0.operator"],
    ],
    [
      { executor: { podTemplate: { hostAliases: [{ ip: 5 }] } }, pvc: "no-claim" },
      ["executor.podTemplate.hostAliases.ip", "pvc"],
    ],
  ];
  for (const [job, paths] of rows) {
    for (const flags of [[], ["--dry-run=server"]]) {
      const refused = submit(job, ...flags);
      assert.deepEqual([refused.code, refused.exit], ["PREFLIGHT_FAILED", EXIT.invalid], refused.message);
      assert.deepEqual(refused.findings.map(({ path }) => path).sort(), paths);
      assert.ok(refused.findings.every(({ line = 0 }) => line > 3));
    }
  }
  const missing = { priorityClassName: "no-class", executor: { podTemplate: { runtimeClassName: "no-runtime" } } };
  assert.deepEqual(at(submit({ priorityClassName: missing.priorityClassName })), ["OBJECT_MISSING", EXIT.invalid]);
  assert.deepEqual(at(submit({ executor: missing.executor })), ["OBJECT_MISSING", EXIT.invalid]);
});

test("a password that differs from the secret (older form) is found before anything starts", async () => {
  const env = { PATH: cluster.env.PATH, KUBECONFIG: cluster.kubeconfig, HOME };
  const call = (...args: string[]) => spawnSync(TOOL, args, { cwd: HOME, env, encoding: "utf8" });
  call("keys", "init");
  const { stdout } = call("keys", "export", "--kubernetes", "-n", namespace.name, "-o", "json");
  const secrets = (JSON.parse(stdout) as { items: { metadata: { name: string }; data: Record<string, string> }[] })
    .items;
  for (const secret of secrets) {
    if (secret.metadata.name === "spark-secret")
      secret.data.secret = Buffer.from("not the password at all").toString("base64");
    await cluster.apply(secret as never);
  }
  const named = { application: "spark-secret", keys: "ssl-keys", password: "ssl-password" };
  const differing = submit({ ui: { enabled: true }, security: { secrets: named } });
  assert.deepEqual([differing.code, differing.exit], ["SECRET_MISMATCH", EXIT.invalid]);
  assert.ok(!JSON.stringify(differing).includes("not the password"));
});

test("nothing of all this is left in the cluster", async () => {
  type List = { items: { metadata: { name: string } }[] };
  const { items } = await cluster.get<List>([EVERYTHING, "-n", namespace.name, "-l", selectorOf()]);
  assert.deepEqual(items, []);
});

test("the doctor tells everything at once, each with a mend", async () => {
  const env = { PATH: cluster.env.PATH, KUBECONFIG: cluster.kubeconfig, HOME };
  const call = (kubeconfig: string, ...args: string[]) =>
    spawnSync(TOOL, ["doctor", "-n", namespace.name, "-o", "json", ...args], {
      cwd: HOME,
      env: { ...env, KUBECONFIG: kubeconfig },
      encoding: "utf8",
    });
  type Report = { name: string; state: string; detail: string; mend?: string };
  const read = (text: string): Report[] => (JSON.parse(text) as { items: Report[] }).items;
  const fine = read(call(cluster.kubeconfig).stdout);
  const state = (reports: Report[], name: string) => reports.find((report) => report.name === name)?.state;
  for (const name of ["helm", "credentials", "API server", "clock", "namespace", "capacity", "rights"])
    assert.equal(state(fine, name), "ok", name);
  assert.equal(state(fine, "network policies"), "warn");
  for (const report of fine) assert.equal(report.state === "ok", report.mend === undefined, report.name);
  const demanding = writeJob({
    image: `registry.invalid/spark@sha256:${"a".repeat(64)}`,
    trust: { tee: "sgx" },
    executor: { instances: 900 },
    pvc: "no-claim",
  });
  const lacking = call(cluster.kubeconfig, "-f", demanding);
  assert.equal(lacking.status, EXIT.invalid);
  const reports = read(lacking.stdout);
  for (const name of ["SGX", "capacity", "volume claims"]) assert.equal(state(reports, name), "fail", name);
  const undo = await cluster.patchNode({
    "sgx.intel.com/epc": "64Mi",
    "sgx.intel.com/enclave": "110",
    "sgx.intel.com/provision": "110",
  });
  try {
    assert.equal(state(read(call(cluster.kubeconfig, "-f", demanding).stdout), "SGX"), "ok");
  } finally {
    await undo();
  }
  const nobody = await cluster.kubeconfigFor({ user: "nobody" });
  const rights = read(call(nobody).stdout).filter(({ name }) => name === "rights");
  assert.ok(rights.length > 20 && rights.some(({ state: one }) => one === "fail"));
});
