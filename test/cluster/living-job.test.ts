// SPDX-License-Identifier: Apache-2.0
// What people read of a job in a cluster while it lives, between its attempts, and afterwards.
import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { homedir, networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { killJvm } from "./chart/processes.ts";
import { findRelease } from "./chart/release.ts";
import { type Ended, makeTool, type Started } from "./chart/tool.ts";
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
  await cluster.makeVolume(namespace, "logs");
  writeFileSync(join(tool.home, "waits.py"), readFileSync(join(import.meta.dirname, "jobs/waits.py")));
  // The history server is this machine's own Spark.
  const cache = join(tool.home, ".cache/bulwark");
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(dirname(cache), { recursive: true });
  symlinkSync(join(homedir(), ".cache/bulwark"), cache);
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

test("a driver that died is read by --previous; without a UI there is none", LONG, async (context) => {
  const { enough } = await submitWaiting("retried", { retries: 1 });
  context.after(enough);
  await until("the first driver to be ready", () => isReady("retried"), STEP_MS);
  assert.deepEqual(await refusal("ui", "retried"), ["UI_UNAVAILABLE", EXIT.unreachable]);
  assert.deepEqual(await refusal("logs", "retried", "--previous"), ["LOGS_GONE", EXIT.invalid]);
  const [first] = await findRelease(cluster, namespace, "retried").pods("driver");
  assert.ok(killJvm(first?.metadata.name ?? ""));
  type Status = { driver: { pod: string }; restarts: number };
  const isNew = async (): Promise<boolean> =>
    (await read<Status>("status", "retried")).driver.pod !== first?.metadata.name && (await isReady("retried"));
  await until("the second driver to be ready", isNew, STEP_MS);
  const previous = await run("logs", "retried", "--previous", "--driver");
  assert.equal(previous.code, EXIT.done, previous.stderr);
  assert.deepEqual(previous.stdout.match(/^ready on .*$/gm), [`ready on ${first?.metadata.name}`]);
  assert.equal((await read<Status>("status", "retried")).restarts, 1);
});

type Ui = { page: string; url: string; certificateAuthority: string };

/** Waits for the document that a UI prints, and reads the token where a browser would. */
async function readUi({ said }: Started): Promise<Ui & { token: string }> {
  await until("the UI's address", () => said.stdout.endsWith("}\n"), 120_000);
  const ui: Ui = JSON.parse(said.stdout);
  assert.equal(statSync(ui.page).mode & 0o777, 0o600);
  return { ...ui, token: /\?token=(\w[\w%-]*)"/.exec(readFileSync(ui.page, "utf8"))?.[1] ?? "" };
}

/** Status of a page, over TLS that is checked against the user's own authority. */
const ask = ({ url, certificateAuthority }: Ui, token?: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const asked = request(`${url}/`, { ca: readFileSync(certificateAuthority), headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.once("error", reject).end();
  });

const isOpen = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

/** The rule of access, and that nothing stays open after Ctrl-C. */
async function checkUi(started: Started): Promise<void> {
  const ui = await readUi(started);
  const { hostname, port } = new URL(ui.url);
  assert.equal(hostname, "127.0.0.1");
  assert.equal(await ask(ui), 401);
  assert.equal(await ask(ui, `${ui.token}0`), 401);
  const allowed = await ask(ui, ui.token);
  assert.ok(allowed === 200 || allowed === 302, `${allowed}`);
  const others = Object.values(networkInterfaces()).flatMap(
    (found) => found?.filter(({ internal }) => !internal) ?? [],
  );
  for (const { address } of others) assert.equal(await isOpen(address, Number(port)), false, address);
  started.child.kill("SIGINT");
  const { code, stderr } = await started.ended;
  assert.equal(code, EXIT.done, stderr);
  assert.equal(await isOpen("127.0.0.1", Number(port)), false);
  assert.throws(() => statSync(ui.page), { code: "ENOENT" });
}

test("the UI of a running job is on loopback, behind its token, until Ctrl-C", LONG, async () => {
  await checkUi(start("ui", "lives", "-o", "json"));
});

test("the history of an ended job comes from the claim of its event logs, behind a token as well", LONG, async () => {
  const job = tool.writeJob("ended", { eventLog: { pvc: "logs" }, executor: { instances: 1, memory: "512m" } });
  const { code, stderr } = await run("submit", "-f", job, "--wait", "--timeout", "2m");
  assert.equal(code, EXIT.done, stderr);
  await checkUi(start("ui", "ended", "-o", "json"));
});

test("results are copied through the running driver, whole or not at all", LONG, async () => {
  const out = join(tool.home, "copied");
  mkdirSync(out);
  const part = readFileSync(join(data, "lives", "results", "part-1"));
  for (const [path, to] of [
    ["lives/results", "folder"],
    ["lives/results/part-1", "file"],
  ] as const) {
    const { code, stderr } = await run("copy", "lives", path, join(out, to));
    assert.equal(code, EXIT.done, stderr);
  }
  assert.deepEqual(readdirSync(join(out, "folder")).toSorted(), ["part-0", "part-1", "part-2"]);
  for (const copy of ["folder/part-1", "file"]) assert.deepEqual(readFileSync(join(out, copy)), part);
  assert.deepEqual(await refusal("copy", "lives", "lives/results", join(out, "file")), ["OUTPUT_EXISTS", EXIT.invalid]);

  const large = join(data, "lives", "large");
  writeFileSync(large, "");
  truncateSync(large, 4 * 1024 ** 3);
  const { child, ended } = start("copy", "lives", "lives/large", join(out, "large"));
  const halves = (): string[] => readdirSync(out).filter((name) => name.startsWith(".bulwark-copy-"));
  const hasBegun = (): boolean =>
    halves().some((name) => readdirSync(join(out, name)).some((file) => statSync(join(out, name, file)).size > 0));
  await until("bytes to come", hasBegun, 60_000);
  const readers = await cluster.get<{ items: unknown[] }>(["pods", "-n", namespace.name, "-l", "bulwark/role=reader"]);
  assert.deepEqual(readers.items, [], "it comes through the driver");
  child.kill("SIGINT");
  assert.equal((await ended).code, EXIT.interrupted);
  assert.deepEqual(readdirSync(out).toSorted(), ["file", "folder"]);
});

test("leftovers are what nobody owns any more, of nobody else", LONG, async () => {
  const target = ["-n", namespace.name];
  const names = async (): Promise<string[]> =>
    (await cluster.kubectl(["get", "secrets,configmaps,jobs", ...target, "-o", "name"])).trim().split("\n").toSorted();
  // Somebody applies what the chart renders, without Helm's records.
  const values = readFileSync(tool.writeJob("applied", { suspend: true }), "utf8");
  const chart = join(import.meta.dirname, "../../charts/spark-job");
  const rendered = await cluster.run(cluster.programs.helm, ["template", "applied", chart, ...target, "-f", "-"], {
    input: values,
  });
  await cluster.run(cluster.programs.kubectl, ["apply", ...target, "-f", "-"], { input: rendered });
  const standing = await names();

  // A submission dies with its machine: after its Secret, before that has an owner.
  const { child, ended } = start("submit", "-f", tool.writeJob("killed", { suspend: true }));
  const secrets = `/api/v1/namespaces/${namespace.name}/secrets?fieldSelector=metadata.name%3Dkilled-secret`;
  const isThere = async (): Promise<boolean> =>
    (await cluster.api.read<{ items: unknown[] }>(secrets)).items.length === 1;
  await until("its Secret", isThere, 60_000);
  const helm = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  for (const pid of [child.pid ?? 0, ...helm.map(Number)]) process.kill(pid, "SIGKILL");
  await ended;
  const uninstall = ["uninstall", "killed", "--ignore-not-found", "--keep-history", ...target];
  await cluster.run(cluster.programs.helm, uninstall);
  assert.ok((await names()).includes("secret/killed-secret"));

  type Left = { items: { kind: string; name: string; release: string }[] };
  assert.deepEqual((await read<Left>("delete", "--leftovers")).items, [], "younger ones may be under way");
  for (const name of ["lives", "applied"])
    assert.deepEqual((await read<Left>("delete", name, "--leftovers")).items, []);
  const left = (await read<Left>("delete", "killed", "--leftovers")).items.map(({ kind, name }) => `${kind} ${name}`);
  assert.deepEqual(left, ["Secret killed-secret"]);
  const history = (name: string): boolean => name.startsWith("secret/sh.helm.release.v1.killed.");
  assert.deepEqual(
    (await names()).filter((name) => !history(name)),
    standing,
  );
});
