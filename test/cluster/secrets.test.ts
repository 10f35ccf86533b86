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
