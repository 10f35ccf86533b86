// SPDX-License-Identifier: Apache-2.0
// Starts programs for the scripts here, and lets none of them outlive the script. Plain JavaScript: it runs before anything is installed.
import { spawn } from "node:child_process";
import { constants } from "node:os";

const INSIST_MS = 5_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Children that are still alive; each leads a process group of its own. */
const living = new Set();

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onText?: (text: string) => void }} options onText: gets what it
 *   writes to either stream; without it, both are ours
 * @returns {Promise<number>} its exit code; 128 and the signal when one ended it, 127 when it could not be started
 */
export function runChild(command, args, { cwd, env, onText } = {}) {
  watchSignals();
  return new Promise((resolve) => {
    const output = onText === undefined ? "inherit" : "pipe";
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", output, output], detached: true });
    living.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => onText?.(text));
    }
    const finish = (code) => {
      living.delete(child);
      // A script that is being stopped does not go on to its next step.
      if (!stopping) resolve(code);
    };
    child.once("error", (error) => {
      onText?.(`${error.message}\n`);
      finish(127);
    });
    child.once("close", (code, signal) => finish(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

let watching = false;
let stopping = false;

/** A signal to the script ends every child with all that it started, then the script: politely, then by force. */
function watchSignals() {
  if (watching) return;
  watching = true;
  for (const name of SIGNALS) {
    process.once(name, () => {
      const code = 128 + constants.signals[name];
      stopping = true;
      signalAll("SIGTERM");
      const limit = setTimeout(() => {
        signalAll("SIGKILL");
        process.exit(code);
      }, INSIST_MS);
      const look = setInterval(() => {
        if (living.size > 0) return;
        clearTimeout(limit);
        clearInterval(look);
        process.exit(code);
      }, 20);
    });
  }
  process.on("exit", () => signalAll("SIGKILL"));
}

function signalAll(signal) {
  for (const { pid } of living) {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // Gone already.
    }
  }
}
