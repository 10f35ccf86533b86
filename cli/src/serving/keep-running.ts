// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A program of the serving stack. It ends when our process does: its standard input is a pipe that only we hold. */
export type Part = {
  name: string;
  command: string;
  args: readonly string[];
  /** Standard output and error are appended to this file. */
  log: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether it ended for a reason that no further start takes away; never when absent. */
  isFutile?: (how: string) => boolean;
};

/** A part that is started again whenever it ends by itself, unless that is futile. */
export type RunningPart = {
  pid(): number | undefined;
  restarts(): number;
  /** Asks it to end, then insists. */
  stop(graceMs: number): Promise<void>;
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** What ran so long did not fail at its start. */
const HEALTHY_MS = 3_000;
const OWNER_ONLY = 0o600;

/** Starts a part and keeps it running. `onEnd` is told of every end that nobody asked for, and whether it is the last. */
export function keepRunning(part: Part, onEnd: (how: string, isLast: boolean) => void): RunningPart {
  let isStopping = false;
  let restarts = 0;
  let child = start(part);
  const waking = new AbortController();

  const done = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const startedAt = performance.now();
      const how = await toEnd(child);
      if (isStopping) return;
      const isLast = part.isFutile?.(how) === true;
      onEnd(how, isLast);
      if (isLast) return;
      pauseMs = performance.now() - startedAt > HEALTHY_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await delay(pauseMs, undefined, { signal: waking.signal }).catch(() => {});
      if (isStopping) return;
      restarts++;
      child = start(part);
    }
  })();

  return {
    pid: () => child.pid,
    restarts: () => restarts,
    async stop(graceMs) {
      isStopping = true;
      waking.abort();
      const stopping = child;
      stopping.kill("SIGTERM");
      const timer = setTimeout(() => stopping.stdin?.destroy(), graceMs);
      const insisting = setTimeout(() => stopping.kill("SIGKILL"), graceMs + LONGEST_PAUSE_MS * 2);
      await done;
      clearTimeout(timer);
      clearTimeout(insisting);
    },
  };
}

function start({ command, args, log, env }: Part): ChildProcess {
  const output = openSync(log, "a", OWNER_ONLY);
  try {
    // In a session of its own, so that a Ctrl-C at the terminal reaches us alone and we stop the parts in order.
    const child = spawn(command, [...args], { env, stdio: ["pipe", output, output], detached: true });
    child.stdin?.on("error", () => {});
    return child;
  } finally {
    closeSync(output);
  }
}

function toEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
}
