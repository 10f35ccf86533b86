// SPDX-License-Identifier: Apache-2.0
// A home of its own for one test file, and runs of the real tool in it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type RunEvent, readEvents } from "../../cli/src/runs/events.ts";
import { sweepProcesses } from "../../cli/src/runs/processes.ts";
import { listRecords, type RunRecord } from "../../cli/src/runs/record.ts";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** How a call of the tool ended. */
export type ToolEnd = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** A `bulwark run` in progress. */
export type StartedRun = {
  process: ChildProcess;
  pid: number;
  stdout(): string;
  stderr(): string;
  ended: Promise<ToolEnd>;
  /** Id and folder of the run; waits until it has one. */
  identify(): Promise<{ id: string; folder: string }>;
  events(): Promise<RunEvent[]>;
  /** Waits until the job has printed a text. */
  waitForOutput(text: string): Promise<void>;
  /** The first event of a type, already there or to come, for which `fits` holds. */
  waitForEvent<T extends RunEvent["type"]>(type: T, fits?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
};

export type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

/** Home, XDG folders and a folder for jobs, in a place whose name is no plain word; keys are made, Spark is there. */
export type Home = {
  root: string;
  jobs: string;
  runs: string;
  keys: string;
  env: Record<string, string>;
  /** Runs the tool to its end. */
  bulwark(...args: string[]): Promise<ToolEnd>;
  /** Starts the tool, and tells when it has ended. */
  start(...args: string[]): Launched;
  /** Starts `bulwark run`. */
  startRun(...args: string[]): StartedRun;
  /** Writes a file into the folder of jobs; its path. */
  write(name: string, content: string): Promise<string>;
  /** Ends what still runs and removes everything. */
  remove(): Promise<void>;
};

const PAUSE_MS = 50;
/** A step of a run on a machine that has other work, too. */
export const STEP_LIMIT_MS = 120_000;

/** Makes a home. Spark and class archives come from the user's own cache. */
export async function makeHome(...keyNames: string[]): Promise<Home> {
  const root = await mkdtemp(join(tmpdir(), "bulwark e2é-"));
  const env = environmentIn(root);
  const jobs = join(root, "jobs");
  const started = new Set<Launched>();
  for (const folder of [jobs, env.TMPDIR ?? ""]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const runs = join(env.XDG_STATE_HOME ?? "", "bulwark", "runs");
  const home: Home = {
    root,
    jobs,
    runs,
    keys: join(env.XDG_DATA_HOME ?? "", "bulwark", "keys"),
    env,
    bulwark: (...args) => launch(home, args).ended,
    start(...args) {
      const launched = launch(home, args);
      started.add(launched);
      return launched;
    },
    startRun: (...args) => toRun(home, home.start("run", ...args)),
    async write(name, content) {
      await writeFile(join(jobs, name), content);
      return join(jobs, name);
    },
    async remove() {
      for (const run of started) if (run.process.exitCode === null) run.process.kill("SIGKILL");
      for (const { id } of await listRecords(runs)) await sweepProcesses(id);
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  const made = await home.bulwark("keys", "init", ...(keyNames.length === 0 ? [] : ["--data", ...keyNames]));
  assert.equal(made.code, 0, made.stderr);
  return home;
}

function environmentIn(root: string): Record<string, string> {
  const folder = (name: string): string => join(root, name);
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
    HOME: root,
    XDG_CONFIG_HOME: folder("config"),
    XDG_DATA_HOME: folder("data"),
    XDG_STATE_HOME: folder("state"),
    TMPDIR: folder("tmp"),
    BULWARK_CACHE_DIR: findCache(),
  };
}

/** The cache that holds Spark and class archives. */
export function findCache(): string {
  return process.env.BULWARK_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bulwark");
}

/** A call of the tool in progress. */
export type Launched = Pick<StartedRun, "process" | "pid" | "stdout" | "stderr" | "ended">;

function launch(home: Home, args: readonly string[]): Launched {
  const child = spawn(process.execPath, [join(REPOSITORY, "cli/src/main.ts"), ...args], {
    cwd: home.jobs,
    env: home.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const read = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    read.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    read.stderr += text;
  });
  const ended = new Promise<ToolEnd>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, ...read }));
  });
  return { process: child, pid: child.pid ?? 0, stdout: () => read.stdout, stderr: () => read.stderr, ended };
}

function toRun(home: Home, launched: Launched): StartedRun {
  let known: { id: string; folder: string } | undefined;
  const identify = async (): Promise<{ id: string; folder: string }> => {
    known ??= await until("a run folder", async () => {
      const records = await listRecords(home.runs);
      const record = records.find(({ supervisor }) => supervisor.pid === launched.pid);
      if (record === undefined) assert.equal(launched.process.exitCode, null, launched.stderr());
      return record && { id: record.id, folder: join(home.runs, record.id) };
    });
    return known;
  };
  const events = async (): Promise<RunEvent[]> => readEvents(join((await identify()).folder, "events.jsonl"));
  return {
    ...launched,
    identify,
    events,
    async waitForOutput(text) {
      await until(`output "${text}"`, () => {
        const there = launched.stdout().includes(text);
        assert.ok(there || launched.process.exitCode === null, `the run ended without it: ${launched.stderr()}`);
        return there;
      });
    },
    waitForEvent: (type, fits = () => true) =>
      until(`event ${type}`, async () => {
        const over = launched.process.exitCode !== null;
        const found = (await events()).find((event) => event.type === type && fits(event as EventOf<typeof type>));
        if (found === undefined) assert.ok(!over, `the run ended without event ${type}: ${launched.stderr()}`);
        return found as EventOf<typeof type> | undefined;
      }),
  };
}

/** Waits until `look` finds something; fails after the limit. A look that is dear may come less often. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs: number = STEP_LIMIT_MS,
  pauseMs: number = PAUSE_MS,
): Promise<T> {
  for (const limit = Date.now() + limitMs; ; await delay(pauseMs)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    assert.ok(Date.now() < limit, `${what}: not within ${limitMs / 1000} s`);
  }
}

/** The record of a run as another terminal sees it. */
export async function readRecord(home: Home, id: string): Promise<RunRecord> {
  const record = (await listRecords(home.runs)).find((candidate) => candidate.id === id);
  assert.ok(record, `no record of ${id}`);
  return record;
}
