// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process that is not mistaken for a later one with the same number: pid and kernel start time. */
export type ProcessIdentity = { pid: number; startTime: string };

/** Field 22 of /proc/PID/stat, counted after the command name, which may itself hold blanks and brackets. */
const START_TIME_AFTER_NAME = 19;

/** Identity of a living process, or undefined when there is none (also for a zombie). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const startTime = fields[START_TIME_AFTER_NAME];
    return fields[0] === "Z" || startTime === undefined ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

export function isSameProcess(process: ProcessIdentity): boolean {
  return identifyProcess(process.pid)?.startTime === process.startTime;
}

/** Pids of all living processes that carry the mark of a run in their environment. */
export function findMarkedProcesses(runId: string): number[] {
  return findProcessesWith(`BULWARK_RUN=${runId}`);
}

/** Pids of all living processes, but ours, with a `NAME=VALUE` in the environment they were started with. */
export function findProcessesWith(variable: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) => pid !== process.pid && environmentOf(pid).includes(variable) && identifyProcess(pid) !== undefined,
    );
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // Gone, or not ours to read: then it is no process of this run.
    return [];
  }
}

const SWEEP_LIMIT_MS = 10_000;
const SWEEP_PAUSE_MS = 20;

/** Kills what is left of a run, until nothing is. Returns the number of processes that had to be killed. */
export async function sweepProcesses(runId: string): Promise<number> {
  const killed = new Set<number>();
  const limit = Date.now() + SWEEP_LIMIT_MS;
  for (
    let left = findMarkedProcesses(runId);
    left.length > 0 && Date.now() < limit;
    left = findMarkedProcesses(runId)
  ) {
    for (const pid of left) {
      killed.add(pid);
      sendSignal(pid, "SIGKILL");
    }
    await delay(SWEEP_PAUSE_MS);
  }
  return killed.size;
}

/** Sends a signal; a process that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
