// SPDX-License-Identifier: Apache-2.0
// A newer chart comes while a job of an older one runs.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { REPOSITORY } from "../e2e/harness.ts";
import { findRelease, type Pod } from "./chart/release.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 240_000;
const NUMBERS = 160;
const TOTAL = new RegExp(`^total ${((NUMBERS - 1) * NUMBERS * (2 * NUMBERS - 1)) / 6}$`, "m");
const CHART = join(REPOSITORY, "charts", "spark-job");
/** The chart as it was once, in its own words: former/README.md. */
const FORMER = join(import.meta.dirname, "former/spark-job-0.1.0.tgz");

const cluster = await joinCluster();
let namespace: TestNamespace;
let tool: Tool;

before(async () => {
  namespace = await cluster.makeNamespace("upgrade");
  tool = await makeTool(cluster);
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
});

type Labelled = { metadata: { labels: Record<string, string>; annotations?: Record<string, string> }; data?: object };

test("an upgrade leaves a job that runs alone, by Helm and by the tool", { timeout: 480_000 }, async () => {
  const program = await readFile(join(import.meta.dirname, "jobs/totals.py"), "utf8");
  await writeFile(join(tool.home, "totals.py"), program);
  const file = tool.writeJob("totals", { python: "totals.py", args: [String(NUMBERS)] });
  const job = JSON.parse(await readFile(file, "utf8"));
  const values = JSON.stringify({ ...job, program: { "totals.py": program } });
  const callHelm = (helm: string, ...args: string[]): Promise<string> =>
    cluster.run(helm, [...args, "-n", namespace.name, "-f", "-"], { input: values });
  const { helm, helm4 } = cluster.programs;
  await cluster.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "spark-secret", namespace: namespace.name },
    stringData: { secret: "of nobody else, and long enough for all" },
  });
  await callHelm(helm, "install", "totals", FORMER);
  const release = findRelease(cluster, namespace, "totals");
  const readConfiguration = () => cluster.get<Labelled>(["configmap", "totals-conf", "-n", namespace.name]);
  const given = await readConfiguration();
  assert.equal(given.metadata.annotations?.["bulwark/planned"], undefined, "this chart is the former one");
  await until("tasks that are done", async () => ((await release.progress())?.tasks.done ?? 0) > 3, STEP_MS);
  const identities = async (): Promise<string[]> =>
    (await release.pods()).map(({ metadata }: Pod) => `${metadata.name} ${metadata.uid}`).toSorted();
  const former = await identities();
  assert.equal(former.length, 3);

  assert.match(await callHelm(helm, "upgrade", "totals", CHART), /goes on as it was made/);
  await callHelm(helm4, "upgrade", "totals", CHART);
  const upgraded = await tool.run("submit", "totals", "-f", file, "--upgrade", "-n", namespace.name);
  assert.equal(upgraded.code, 0, upgraded.stderr);
  assert.deepEqual(await identities(), former);

  const { exitCode, log, driver } = await release.end();
  assert.equal(exitCode, 0, log);
  assert.match(log, TOTAL);
  assert.ok(former.includes(`${driver.metadata.name} ${driver.metadata.uid}`));
  assert.equal((await release.pods("driver")).length, 1);
  const upgradedTo = await readConfiguration();
  assert.deepEqual(upgradedTo.data, given.data, "what the job was given is as it was");
  assert.ok(upgradedTo.metadata.annotations?.["bulwark/planned"], "and the objects are of the newer chart");
  const version = /^version: (.*)$/m.exec(await readFile(join(CHART, "Chart.yaml"), "utf8"))?.[1];
  const listed = JSON.parse(await cluster.run(helm, ["list", "-n", namespace.name, "-o", "json"]));
  assert.deepEqual(
    listed.map(({ chart, status, revision }: Record<string, string>) => [chart, status, String(revision)]),
    [[`spark-job-${version}`, "deployed", "4"]],
  );
  await release.uninstall();
});
