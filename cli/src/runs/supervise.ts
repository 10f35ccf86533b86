// SPDX-License-Identifier: Apache-2.0
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts";
import type { RunFolders, RunPlan } from "@bulwark/spark";
import { type Child, type ProcessEnd, startChild } from "./child.ts";
import { followEvents, followLines, type RunEvent } from "./events.ts";
import { sweepProcesses } from "./processes.ts";

/** What a supervised run needs from outside. */
export type Supervision = {
  plan: RunPlan;
  folders: RunFolders;
  /** Aborted to stop the run; its reason says why. */
  signal: AbortSignal;
  timeoutMs: number;
  startTimeoutMs: number;
  /** How long executors may take to end by themselves; a training run needs it to write what it learnt. */
  executorGraceMs?: number;
  /** Output of the application, as it comes. */
  onOutput: (chunk: Buffer) => void;
  /** What the application writes to its standard error. */
  onErrorOutput: (text: string) => void;
  onEvent: (event: RunEvent) => void;
  /** Called once, when all executors are there and before any task runs. When it throws, the run is stopped. */
  observe: (running: RunningApplication) => Promise<void>;
  /** Called with every event after that: executors may be replaced, files be spilt. When it throws, the run is stopped. */
  observeLater: (event: RunEvent) => Promise<void>;
};

/** What a started application told of itself: addresses of driver and block managers (`HOST:PORT` at the end) and settings. */
export type RunningApplication = {
  addresses: readonly string[];
  ui: string;
  settings: Readonly<Record<string, string>>;
};

const DRIVER_GRACE_MS = 5_000;
const SETTLE_MS = 300;
/** Executors may die: each place may be filled again this often before the run gives up. */
const REPLACEMENTS_PER_EXECUTOR = 3;

/**
 * Runs the processes of a plan: driver and executors side by side; an executor that dies is replaced by one with the
 * next number. Returns how the driver ended. When it throws, or returns, no process of the run is left.
 */
export async function superviseRun(supervision: Supervision): Promise<{ end: ProcessEnd; events: RunEvent[] }> {
  const { plan, folders } = supervision;
  const events: RunEvent[] = [];
  const over = new AbortController();
  const trouble = Promise.withResolvers<never>();
  trouble.promise.catch(() => undefined);
  const executors = keepExecutors(supervision, over.signal, trouble.reject);
  let driver: Child | undefined;
  let following: Promise<void> = Promise.resolve();
  let showing: Promise<void> = Promise.resolve();
  try {
    driver = await startChild(plan.driver, { output: "pipe", errors: join(folders.logs, "driver.err") });
    const output = copyOutput(driver, join(folders.logs, "driver.out"), supervision.onOutput);
    await executors.fill();
    following = watchEvents({ supervision, events, executors, over: over.signal, giveUp: trouble.reject });
    showing = copyErrors(join(folders.logs, "driver.err"), over.signal, supervision.onErrorOutput);
    const limits = limitTime(supervision, events, trouble.reject);
    try {
      const end = await Promise.race([driver.ended, trouble.promise, aborted(supervision.signal)]);
      await output;
      return { end, events };
    } finally {
      limits.clear();
    }
  } finally {
    over.abort();
    await driver?.stop(DRIVER_GRACE_MS);
    await executors.stop(supervision.executorGraceMs ?? 0);
    await sweepProcesses(plan.applicationId);
    await Promise.all([following, showing]);
  }
}

/** The executors of a run: keeps as many as planned alive while an application wants them. */
type Executors = { fill(): Promise<void>; applicationEnded(): void; stop(graceMs: number): Promise<void> };

function keepExecutors({ plan, folders }: Supervision, over: AbortSignal, giveUp: (reason: Error) => void): Executors {
  const living = new Map<number, Child>();
  let next = 0;
  let deaths = 0;
  let wanted = true;
  const start = async (): Promise<void> => {
    const number = next++;
    const log = join(folders.logs, `executor-${number}.log`);
    const executor = plan.executor(number);
    await mkdir(executor.cwd, { recursive: true, mode: 0o700 });
    const child = await startChild(executor, { output: log, errors: log });
    living.set(number, child);
    void child.ended.then(() => replace(number, log)).catch(giveUp);
  };
  const replace = async (number: number, log: string): Promise<void> => {
    living.delete(number);
    // An application that ends sends its executors home a moment before it says so.
    await delay(SETTLE_MS, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted || !wanted) return;
    deaths++;
    if (deaths > plan.executors * REPLACEMENTS_PER_EXECUTOR) {
      throw new BulwarkError("EXECUTORS_LOST", `Executors died ${deaths} times.`, `read ${log}`);
    }
    await start();
  };
  return {
    async fill() {
      wanted = true;
      await Promise.all(Array.from({ length: plan.executors - living.size }, start));
    },
    applicationEnded() {
      wanted = false;
    },
    async stop(graceMs) {
      await Promise.all([...living.values()].map((child) => child.stop(graceMs)));
    },
  };
}

async function watchEvents(watch: {
  supervision: Supervision;
  events: RunEvent[];
  executors: Executors;
  over: AbortSignal;
  giveUp: (reason: Error) => void;
}): Promise<void> {
  const { supervision, events, executors, over, giveUp } = watch;
  const { plan } = supervision;
  const looks: Promise<void>[] = [];
  let released = false;
  try {
    for await (const event of followEvents(plan.paths.events, over)) {
      events.push(event);
      supervision.onEvent(event);
      if (event.type === "application-end") executors.applicationEnded();
      // A program may stop its application and start another one; that one gets executors of its own.
      if (event.type === "ready" && released) await executors.fill();
      if (released) looks.push(supervision.observeLater(event).catch(giveUp));
      const running = released || over.aborted ? undefined : describeRunning(events, plan.executors);
      if (running === undefined) continue;
      released = true;
      await supervision.observe(running);
      await writeFile(plan.paths.release, "");
    }
  } catch (error) {
    giveUp(error as Error);
  }
  await Promise.all(looks);
}

/** What there is to observe, once driver and executors have all reported; undefined before. */
function describeRunning(events: readonly RunEvent[], executors: number): RunningApplication | undefined {
  const all = <T extends RunEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  const [ready] = all("ready");
  const [environment] = all("environment");
  const blockManagers = all("block-manager").map((event) => event.address);
  if (ready === undefined || environment === undefined || blockManagers.length <= executors) return undefined;
  return { addresses: [ready.url, ...blockManagers], ui: ready.ui ?? "", settings: environment.settings };
}

function limitTime(supervision: Supervision, events: readonly RunEvent[], giveUp: (reason: Error) => void) {
  const { plan, folders, startTimeoutMs, timeoutMs } = supervision;
  const start = setTimeout(() => {
    const registered = events.filter((event) => event.type === "executor-added").length;
    if (registered >= plan.executors) return;
    const message = `${registered} of ${plan.executors} executors came up within ${startTimeoutMs / 1000} s.`;
    giveUp(new BulwarkError("RUN_START_FAILED", message, `read the logs in ${folders.logs}, or raise startTimeout`));
  }, startTimeoutMs);
  const whole = setTimeout(() => {
    const message = `The application ran longer than ${timeoutMs / 1000} s and was stopped.`;
    giveUp(new BulwarkError("TIMED_OUT", message, "raise `timeout` in the job file"));
  }, timeoutMs);
  return {
    clear() {
      clearTimeout(start);
      clearTimeout(whole);
    },
  };
}

async function copyOutput(driver: Child, log: string, onOutput: (chunk: Buffer) => void): Promise<void> {
  if (driver.output === undefined) return;
  for await (const chunk of driver.output) {
    onOutput(chunk as Buffer);
    await appendFile(log, chunk as Buffer, { mode: 0o600 });
  }
}

/** What a JVM and its libraries say of themselves; nothing an application wrote. */
const JVM_NOISE = /^(WARNING: (Using incubator modules|package \S+ not in)|netlib-blas: )/;

async function copyErrors(path: string, over: AbortSignal, onErrorOutput: (text: string) => void): Promise<void> {
  for await (const line of followLines(path, over)) {
    if (!JVM_NOISE.test(line)) onErrorOutput(`${line}\n`);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
