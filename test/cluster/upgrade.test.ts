// SPDX-License-Identifier: Apache-2.0
// A newer chart comes while a job of an older one runs.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
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
const OLDER = "0.0.9";

const cluster = await joinCluster();
let namespace: TestNamespace;
let tool: Tool;
let older: string;
let version: string;

before(async () => {
  namespace = await cluster.makeNamespace("upgrade");
  tool = await makeTool(cluster);
  older = await makeOlderChart();
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
  if (older !== undefined) await rm(older, { recursive: true });
});

/** The chart with another version, and in each object that a job runs from something that a version may change. */
async function makeOlderChart(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-older-chart-"));
  await cp(CHART, folder, { recursive: true });
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const text = await readFile(join(folder, file), "utf8");
    const changed = change(text);
    assert.notEqual(changed, text, file);
    await writeFile(join(folder, file), changed);
  };
  await edit("Chart.yaml", (text) => {
    version = /^version: (.*)$/m.exec(text)?.[1] ?? "";
    return text.replaceAll(/^(version|appVersion): .*$/gm, `$1: ${OLDER}`);
  });
  // The pod of the driver, and by the ConfigMap the pods of executors.
  await edit("templates/_pod.tpl", (text) =>
    text.replace("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 20"),
  );
  await edit("templates/_files.tpl", (text) => text.replace("-Duser.home=/tmp", "-Duser.home=/tmp\n-Dolder=true"));
  return folder;
}

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
  await callHelm(helm, "install", "totals", older);
  const release = findRelease(cluster, namespace, "totals");
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
  const listed = JSON.parse(await cluster.run(helm, ["list", "-n", namespace.name, "-o", "json"]));
  assert.deepEqual(
    listed.map(({ chart, status }: { chart: string; status: string }) => [chart, status]),
    [[`spark-job-${version}`, "deployed"]],
  );
  type Labelled = { metadata: { labels: Record<string, string> } };
  const made = await cluster.get<Labelled>(["job", "totals", "-n", namespace.name]);
  assert.equal(made.metadata.labels["helm.sh/chart"], `spark-job-${version}`);
  await release.uninstall();
});
