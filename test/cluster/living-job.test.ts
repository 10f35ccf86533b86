// SPDX-License-Identifier: Apache-2.0
// What people read of a job in a cluster while it lives.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { type Ended, makeTool, type Started } from "./chart/tool.ts";
import { askPage, openPage } from "./chart/ui-page.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const STEP_MS = 240_000;
const LONG = { timeout: STEP_MS };

const cluster = await joinCluster();
let namespace: TestNamespace;
let data: string;
const tool = await makeTool(cluster);

const start = (...args: string[]): Started => tool.start(...args, "-n", namespace.name);
const run = (...args: string[]): Promise<Ended> => start(...args).ended;

/** Calls the tool for a document; a call that fails is told. */
async function read<Document>(...args: string[]): Promise<Document> {
  const { code, stdout, stderr } = await run(...args, "-o", "json");
  assert.equal(code, EXIT.done, stderr || stdout);
  return JSON.parse(stdout);
}

/** Code of the error and exit code of a call that is refused. */
async function refusal(...args: string[]): Promise<[string, number | null]> {
  const { code, stdout } = await run(...args, "-o", "json");
  return [JSON.parse(stdout).error?.code, code];
}

/** Submits a job that goes on until `enough` is called. */
async function submitWaiting(name: string, job: object = {}): Promise<{ enough: () => void }> {
  const args = [`/data/${name}`, `/data/${name}-end`];
  const file = tool.writeJob(name, { python: "waits.py", args, pvc: "data", ...job });
  const { code, stderr } = await run("submit", "-f", file);
  assert.equal(code, EXIT.done, stderr);
  return { enough: () => writeFileSync(join(data, `${name}-end`), "") };
}

const isReady = async (name: string): Promise<boolean> =>
  /^ready on/m.test((await run("logs", name, "--driver")).stdout);

before(async () => {
  namespace = await cluster.makeNamespace("living");
  data = (await cluster.makeVolume(namespace, "data")).folder;
  writeFileSync(join(tool.home, "waits.py"), readFileSync(join(import.meta.dirname, "jobs/waits.py")));
  await submitWaiting("lives", { ui: { enabled: true } });
  await until("the job to be ready", () => isReady("lives"), STEP_MS);
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

test("a job is watched and its parts are followed until it ends", LONG, async () => {
  const { enough } = await submitWaiting("followed");
  const watch = start("status", "followed", "--watch", "-o", "json");
  const logs = start("logs", "followed", "-f");
  const hasAll = (): boolean =>
    ["driver", "executor-1", "executor-2"].every((part) => logs.said.stdout.includes(`[${part}] `));
  await until("every part to be heard", () => hasAll() && logs.said.stdout.includes("[driver] ready on"), STEP_MS);
  enough();
  const [watched, followed] = await Promise.all([watch.ended, logs.ended]);

  assert.equal(followed.code, EXIT.done, followed.stderr);
  const lines = followed.stdout.trimEnd().split("\n");
  const parts = lines.map((line) => /^\[(driver|executor-\d)\] /.exec(line)?.[1]);
  assert.ok(!parts.includes(undefined), "each line has its part in front");
  assert.ok(lines.includes("[driver] enough"));
  const firstExecutor = parts.findIndex((part) => part !== "driver");
  assert.ok(firstExecutor > 0 && firstExecutor < parts.lastIndexOf("driver"), "parts are interleaved");

  assert.equal(watched.code, EXIT.done, watched.stderr);
  const states = watched.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ name, state }: { name: string; state: string }) => `${name} ${state}`);
  assert.ok(states.includes("followed running"), states.join());
  assert.equal(states.at(-1), "followed succeeded");
  assert.equal(states.filter((state) => state === "followed succeeded").length, 1);
  assert.deepEqual(await refusal("ui", "followed"), ["UI_UNAVAILABLE", EXIT.unreachable]);
});

test("logs of one part, and of a time", LONG, async () => {
  const driver = (await run("logs", "lives", "--driver")).stdout;
  assert.match(driver, /^ready on lives-/m);
  const executor = await run("logs", "lives", "--executor", "2");
  assert.equal(executor.code, EXIT.done, executor.stderr);
  assert.match(executor.stdout, / INFO /);
  assert.doesNotMatch(executor.stdout, /^ready on|^tick|^\[/m);
  assert.deepEqual(await refusal("logs", "lives", "--executor", "9"), ["LOGS_GONE", EXIT.invalid]);

  type Log = { items: { part: string; time: string; text: string }[] };
  const whole = (await read<Log>("logs", "lives", "--driver")).items;
  const ready = whole.find(({ text }) => text.startsWith("ready on"));
  assert.ok(ready);
  await until("it to be older", () => Date.now() - Date.parse(ready.time) > 4_000, 10_000);
  const young = (await read<Log>("logs", "lives", "--since", "2s")).items;
  assert.ok(young.some(({ part, text }) => part === "driver" && text === "tick"));
  assert.ok(!young.some(({ text }) => text.startsWith("ready on")));
});

test("results are copied through the driver: whole, over nothing, and by no pod of their own", LONG, async () => {
  const out = join(tool.home, "out");
  mkdirSync(out);
  type Pods = { items: { metadata: { name: string } }[] };
  const listPods = async (): Promise<string[]> =>
    (await cluster.get<Pods>(["pods", "-n", namespace.name])).items.map(({ metadata }) => metadata.name).toSorted();
  const pods = await listPods();
  const folder = await run("copy", "lives", "lives/results", join(out, "results"));
  assert.equal(folder.code, EXIT.done, folder.stderr);
  const file = await run("copy", "lives", "lives/results/part-2", join(out, "one"));
  assert.equal(file.code, EXIT.done, file.stderr);
  assert.deepEqual(readdirSync(join(out, "results")).toSorted(), ["part-0", "part-1", "part-2"]);
  for (const copied of [join(out, "results", "part-2"), join(out, "one")]) {
    assert.equal(readFileSync(copied, "utf8"), "part 2\n".repeat(1000));
  }
  assert.deepEqual(readdirSync(out).toSorted(), ["one", "results"], "nothing half-copied");
  assert.deepEqual(await refusal("copy", "lives", "lives/results", join(out, "results")), [
    "OUTPUT_EXISTS",
    EXIT.invalid,
  ]);
  assert.deepEqual(await listPods(), pods);
});

test("the web UI of a job that runs: in with the page's token only, and closed by Ctrl-C", LONG, async () => {
  const { page, target, close } = await openPage(start("ui", "lives"));
  assert.equal(target.hostname, "127.0.0.1");
  assert.equal(await askPage(new URL("/jobs/", target)), 401);
  assert.ok([200, 302].includes(await askPage(target)));
  const { code, stderr } = await close();
  assert.equal(code, EXIT.done, stderr);
  assert.throws(() => readFileSync(page), { code: "ENOENT" });
  await assert.rejects(askPage(target), { code: "ECONNREFUSED" });
});
