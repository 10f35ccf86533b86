// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./guard.sh", import.meta.url));

export type Guard = {
  /** Tells the guard that the run ended in order, and waits for its end. */
  dismiss(): Promise<void>;
};

/**
 * Starts a small process, apart from ours, which cleans up after a run when we are killed. When the guard itself is
 * killed, another one takes its place.
 *
 * @param unfinished paths to remove when the run does not end in order
 */
export function startGuard(runId: string, runFolder: string, unfinished: readonly string[]): Guard {
  let dismissed = false;
  let child = spawnGuard();
  function spawnGuard(): ChildProcess {
    const guard = spawn("/bin/sh", [SCRIPT, runId, runFolder, ...unfinished], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: "/usr/bin:/bin" },
    });
    // Writing to a guard that was just killed fails; its end is handled below.
    guard.stdin?.on("error", () => undefined);
    guard.once("exit", () => {
      if (!dismissed) child = spawnGuard();
    });
    return guard;
  }
  return {
    async dismiss() {
      dismissed = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin?.end("done\n");
      await ended;
    },
  };
}
