// SPDX-License-Identifier: Apache-2.0
// Where the secrets of a running job are: in Secrets, in files and in memory, and nowhere else.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findJvm, listProcesses, readProcess } from "./chart/processes.ts";
import { findRelease, type Release } from "./chart/release.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const START_MS = 240_000;
const NAME = "keeps";
/** Shorter ones could stand somewhere by chance. */
const SHORTEST = 16;
const TOKEN = "token of the UI";

let cluster: Cluster;
let namespace: TestNamespace;
let tool: Tool;
let release: Release;
let needles: Map<string, string>;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("secrets");
  tool = await makeTool(cluster, "models");
  await cluster.makeVolume(namespace, "data");
  await cp(join(import.meta.dirname, "jobs/keeps-running.py"), join(tool.home, "keeps-running.py"));
  const job = {
    python: "keeps-running.py",
    args: ["{data.model}"],
    pvc: "data",
    data: { model: { path: "model", mode: "write", key: "models" } },
    security: { profile: "tls" },
    ui: { enabled: true },
    executor: { instances: 1, memory: "512m" },
  };
  const { code, stderr } = await tool.run("submit", "-f", tool.writeJob(NAME, job), "-n", namespace.name);
  assert.equal(code, 0, stderr);
  release = findRelease(cluster, namespace, NAME);
  const isRunning = async (): Promise<boolean> => ((await release.progress())?.stages.done ?? 0) > 0;
  await until("the job to have written its table", isRunning, START_MS);
  needles = await collectSecrets();
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
});

type Secret = { metadata: { name: string }; data: Record<string, string> };

/** Every form in which a secret of the job could be written, with its name. */
async function collectSecrets(): Promise<Map<string, string>> {
  const path = `/api/v1/namespaces/${namespace.name}/secrets?labelSelector=app.kubernetes.io/instance=${NAME}`;
  const { items } = await cluster.api.read<{ items: Secret[] }>(path);
  const forms = items.flatMap(({ metadata, data }) =>
    Object.entries(data).flatMap(([entry, encoded]) => formsOf(`${metadata.name}/${entry}`, encoded)),
  );
  return new Map(forms.filter(([value]) => value.length >= SHORTEST));
}

/** A Secret's entry as Kubernetes writes it, as it is, and what is in it or made of it. */
function formsOf(name: string, encoded: string): [string, string][] {
  const value = Buffer.from(encoded, "base64");
  const text = value.toString("utf8").trim();
  const forms: [string, string][] = [
    // Key stores are long: their beginning does.
    [encoded.slice(0, 64), name],
  ];
  if (!name.endsWith(".p12")) forms.push([text, name]);
  if (name.endsWith("/keyring.json"))
    forms.push(...findKeys(JSON.parse(text)).map((key): [string, string] => [key, name]));
  if (name.endsWith("/secret")) forms.push([createHmac("sha256", value).update("bulwark ui").digest("hex"), TOKEN]);
  return forms;
}

/** Key material in a keyring: every long text without a blank. */
function findKeys(value: unknown): string[] {
  if (typeof value === "string") return /^[A-Za-z0-9+/=_-]{32,}$/.test(value) ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(findKeys) : [];
}

/** Names of the secrets that stand in a text. */
const findIn = (text: Buffer | string): string[] =>
  [...needles].filter(([needle]) => text.includes(needle)).map(([, name]) => name);

test("the secrets looked for are all kinds there are, and are found where they belong", async () => {
  const kinds = new Set([...needles.values()].map((name) => name.replace(/^keeps-/, "")));
  for (const wanted of ["secret/secret", "tls/password", "tls/driver.p12", "keyring/keyring.json", TOKEN]) {
    assert.ok(kinds.has(wanted), `${wanted} is among ${[...kinds].join(", ")}`);
  }
  const secrets = await cluster.kubectl(["get", "secrets", "-n", namespace.name, "-o", "json"]);
  assert.ok(findIn(secrets).length >= 4);
});

test("no API object but Secrets holds one, events included", async (context) => {
  const lists = await cluster.kubectl(["api-resources", "--verbs=list", "-o", "name"]);
  const kinds = lists.split("\n").filter((kind) => kind !== "" && kind !== "secrets");
  assert.ok(kinds.includes("pods") && kinds.includes("events") && kinds.includes("configmaps"));
  const objects = await cluster.kubectl(["get", kinds.join(","), "--all-namespaces", "-o", "yaml"]);
  assert.ok(objects.includes(`name: ${NAME}-conf`));
  context.diagnostic(`${kinds.length} kinds, ${objects.length} characters`);
  assert.deepEqual(findIn(objects), []);
});

test("neither logs nor anything Helm shows holds one", async () => {
  const pods = await release.pods();
  const logs = await Promise.all(
    pods.map(({ metadata }) => cluster.kubectl(["logs", "-n", namespace.name, metadata.name, "--all-containers"])),
  );
  assert.match(logs.join("\n"), /^written$/m);
  const helm = await cluster.run(cluster.programs.helm, ["get", "all", NAME, "-n", namespace.name]);
  assert.match(helm, /kind: Job/);
  const shown = await Promise.all([
    tool.run("describe", NAME, "-n", namespace.name),
    tool.run("status", NAME, "-n", namespace.name, "-o", "json"),
    tool.run("logs", NAME, "-n", namespace.name),
  ]);
  const said = [...logs, helm, ...shown.flatMap(({ stdout, stderr }) => [stdout, stderr])];
  assert.deepEqual(said.flatMap(findIn), []);
});

test("no command line and no environment on the node holds one", async () => {
  const pods = (await release.pods()).map(({ metadata }) => findJvm(metadata.name));
  assert.equal(pods.filter((pid) => pid !== undefined).length, 2, "the JVMs of driver and executor are looked at");
  const found = listProcesses().flatMap((pid) =>
    (["cmdline", "environ"] as const).flatMap((file) =>
      findIn(readProcess(pid, file)).map((name) => `${name} in ${file} of ${readProcess(pid, "comm")}`),
    ),
  );
  assert.deepEqual(found, []);
});

type Running = { metadata: { name: string; labels: Record<string, string> } };

/** What a Python program prints that runs in a container of the job, beside the job's own. */
async function runIn(role: "driver" | "executor", program: string): Promise<string> {
  const [pod] = (await release.pods(role)) as Running[];
  const place = ["-n", namespace.name, pod?.metadata.name ?? "", "-c", `spark-${role}`];
  return cluster.kubectl(["exec", ...place, "--", "python3", "-c", program]);
}

test("a role has the files that it reads, and no key of the other", async () => {
  const listing =
    "import os\nfor d in sorted(os.listdir('.')): print(d, *sorted(f for f in os.listdir(d) if f[0] != '.'))";
  const list = (role: "driver" | "executor") => runIn(role, `import os\nos.chdir('/etc/bulwark/secrets')\n${listing}`);
  assert.deepEqual((await list("driver")).trim().split("\n"), [
    "application secret",
    "keyring keyring.json",
    "keys driver.p12 server.p12 truststore.p12",
    "password password",
  ]);
  assert.deepEqual((await list("executor")).trim().split("\n"), [
    "application secret",
    "keyring keyring.json",
    "keys executor.p12 truststore.p12",
    "password password",
  ]);
});

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Asks the API server from within a pod, with the token that is mounted there; each status by its question. */
const ASK = `
import json, os, ssl, sys, urllib.request, urllib.error
folder = "${ACCOUNT}"
token = open(folder + "/token").read() if os.path.exists(folder + "/token") else None
trust = ssl.create_default_context(cafile=folder + "/ca.crt") if token else ssl._create_unverified_context()
server = "https://" + os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
for question in json.loads(QUESTIONS):
    method, path, body = (question + [None])[:3]
    headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
    request = urllib.request.Request(server + path, method=method, headers=headers, data=body and json.dumps(body).encode())
    try:
        status = urllib.request.urlopen(request, context=trust).status
    except urllib.error.HTTPError as refused:
        status = refused.code
    print(status, method, path)
`;
type Question = [method: string, path: string, body?: object];

async function ask(role: "driver" | "executor", questions: readonly Question[]): Promise<string[]> {
  const list = JSON.stringify(JSON.stringify(questions));
  return (await runIn(role, `QUESTIONS = ${list}\n${ASK}`)).trim().split("\n");
}

test("with the driver's own token, what is not its business is forbidden", async () => {
  const own = `/api/v1/namespaces/${namespace.name}`;
  const account = `${own}/serviceaccounts/${NAME}-driver`;
  const [driver] = (await release.pods("driver")) as Running[];
  const allowed: Question[] = [
    ["GET", `${own}/pods`],
    ["GET", `${own}/configmaps`],
  ];
  const meta = (name: string) => ({ metadata: { name } });
  const review = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", ...meta("more"), rules: [] };
  const forbidden: Question[] = [
    ["GET", `${own}/secrets`],
    ["GET", `${own}/secrets/${NAME}-secret`],
    ["GET", `${own}/secrets/${NAME}-tls`],
    ["GET", "/api/v1/secrets"],
    ["GET", "/api/v1/namespaces/kube-system/secrets"],
    ["GET", "/api/v1/namespaces/default/pods"],
    ["GET", "/api/v1/namespaces/default/configmaps"],
    ["GET", "/api/v1/pods"],
    ["GET", "/api/v1/nodes"],
    ["GET", "/api/v1/namespaces"],
    ["GET", "/api/v1/persistentvolumes"],
    ["GET", `${own}/serviceaccounts`],
    ["GET", `${own}/pods/${driver?.metadata.name}/exec?command=id&stdout=true`],
    ["GET", `/apis/batch/v1/namespaces/${namespace.name}/jobs`],
    ["DELETE", `/apis/batch/v1/namespaces/${namespace.name}/jobs/${NAME}`],
    ["POST", `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace.name}/roles`, review],
    ["POST", `${account}/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }],
  ];
  const expect = (status: number, questions: readonly Question[]): string[] =>
    questions.map(([method, path]) => `${status} ${method} ${path}`);
  assert.deepEqual(await ask("driver", [...allowed, ...forbidden]), [
    ...expect(200, allowed),
    ...expect(403, forbidden),
  ]);
});

test("an executor has no token, and without one the API server tells nothing", async () => {
  const look = `import os\nprint([os.path.exists(p) for p in ("${ACCOUNT}", "/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io")])`;
  assert.equal((await runIn("executor", look)).trim(), "[False, False, False]");
  const path = `/api/v1/namespaces/${namespace.name}/pods`;
  assert.deepEqual(await ask("executor", [["GET", path]]), [`401 GET ${path}`]);
});
