// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { platform } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Holder, withLock } from "@bulwark/pki/lock";
import type { Context } from "../command.ts";
import { findProcessesWith } from "../runs/processes.ts";
import { servingFolder } from "./stack.ts";

/** So long for another one that is just ending: 2 seconds. */
const ATTEMPTS = 20;
/** Longer than parts usually take to notice that whoever started them is gone, and to end what they have. */
const LEFTOVERS_MS = 30_000;
const PAUSE_MS = 50;
const OTHER_FOLDER = "or serve from another folder of state, at other ports: XDG_STATE_HOME=FOLDER bulwark serve";

/** The variable by which the parts of a stack are known after the process that started them was killed. */
const MARK = "BULWARK_SERVING";

/**
 * Makes the folder of what is served, and runs `work` while no other `bulwark serve` uses it: passwords, settings and
 * Redis's files are those of one alone. `work` gets the environment for what it starts. Of one that was killed, what it
 * started is waited for first.
 *
 * @throws BulwarkError SERVING_LOCKED
 */
export async function withServingFolder<Value>(
  { paths, env, progress, signal }: Pick<Context, "paths" | "env" | "progress" | "signal">,
  work: (place: { folder: string; env: Context["env"] }) => Promise<Value>,
): Promise<Value> {
  const folder = servingFolder(paths);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const run = async (): Promise<Value> => {
    if (findLeftovers(folder).length > 0) {
      const step = progress.step("Waiting for the parts of a bulwark serve that was killed");
      await awaitLeftovers(folder, signal);
      step.done("they have ended");
    }
    return work({ folder, env: { ...env, [MARK]: folder } });
  };
  return withLock(folder, run, { attempts: ATTEMPTS, refuse });
}

function refuse({ pid, file }: Holder): BulwarkError {
  const mend = `stop it: kill ${pid} (if no such process exists: rm '${file}'), ${OTHER_FOLDER}`;
  return new BulwarkError("SERVING_LOCKED", `Another bulwark serve (process ${pid}) uses ${dirname(file)}.`, mend);
}

/** Without /proc nothing is seen of them. */
const findLeftovers = (folder: string): number[] =>
  platform === "linux" ? findProcessesWith(`${MARK}=${folder}`) : [];

async function awaitLeftovers(folder: string, signal: AbortSignal): Promise<void> {
  const limit = performance.now() + LEFTOVERS_MS;
  for (let left = findLeftovers(folder); left.length > 0; left = findLeftovers(folder)) {
    signal.throwIfAborted();
    if (performance.now() > limit) {
      const message = `What a killed bulwark serve started still runs: ${left.join(", ")}.`;
      throw new BulwarkError("SERVING_LOCKED", message, `end it: kill ${left.join(" ")}, ${OTHER_FOLDER}`);
    }
    await delay(PAUSE_MS);
  }
}
