// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable } from "node:stream";
import type { ProcessPlan } from "@bulwark/spark";
import { sendSignal } from "./processes.ts";

/** How a process ended. */
export type ProcessEnd = { code: number | null; signal: NodeJS.Signals | null };

/** A JVM of a run. Its standard input is the lifeline: when we end, it ends. */
export type Child = {
  pid: number;
  output: Readable | undefined;
  ended: Promise<ProcessEnd>;
  /** Asks it to end, then insists: SIGTERM, end of the lifeline, SIGKILL of its process group. */
  stop(graceMs: number): Promise<void>;
};

const INSIST_MS = 2_000;
const APPEND_ONLY = "a";
const OWNER_ONLY = 0o600;

/**
 * Starts a planned process in a session of its own, so that a Ctrl-C at the terminal reaches us alone.
 *
 * @param logs files for standard output (or "pipe") and standard error
 */
export async function startChild(plan: ProcessPlan, logs: { output: string; errors: string }): Promise<Child> {
  const open = (path: string): number => openSync(path, APPEND_ONLY, OWNER_ONLY);
  const errors = open(logs.errors);
  const output = logs.output === "pipe" ? "pipe" : open(logs.output);
  try {
    const child = spawn(plan.executable, [...plan.args], {
      cwd: plan.cwd,
      env: { ...plan.env },
      stdio: ["pipe", output, errors],
      detached: true,
    });
    const ended = new Promise<ProcessEnd>((resolve, reject) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", reject);
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.stdin?.on("error", () => undefined);
    return {
      pid: child.pid ?? 0,
      output: child.stdout ?? undefined,
      ended,
      stop: (grace) => stopChild(child, ended, grace),
    };
  } finally {
    closeSync(errors);
    if (typeof output === "number") closeSync(output);
  }
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>, graceMs: number): Promise<void> {
  const pid = child.pid;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (graceMs > 0) {
    sendSignal(pid, "SIGTERM");
    if (await endsWithin(ended, graceMs)) return;
  }
  child.stdin?.end();
  if (await endsWithin(ended, INSIST_MS)) return;
  sendSignal(-pid, "SIGKILL");
  await ended;
}

async function endsWithin(ended: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([ended.then(() => true as const), limit]);
  } finally {
    clearTimeout(timer);
  }
}
