// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Engine } from "./engine.ts";

const WATCH_MS = 1_000;

/**
 * Tells once, with ENGINE_STUCK, that a run which was given up goes on all the same. It keeps a core for as long as the process
 * lives: the process should end, and leave what waits to its successor.
 */
export function watchStuck({ stuck }: Pick<Engine, "stuck">, onStuck: (error: BulwarkError) => void): void {
  const watch = setInterval(() => {
    const count = stuck();
    if (count === 0) return;
    clearInterval(watch);
    const mend = "look at what was asked of the model; lower its runLimitMs";
    onStuck(new BulwarkError("ENGINE_STUCK", `Runs that were given up and do not end: ${count}`, mend));
  }, WATCH_MS);
  watch.unref();
}

/**
 * Ends this process at once, whatever its threads do. Its own exit would wait for threads within a run that does not end, and
 * a signal that it sends to itself does nothing to the first process of a container: so it becomes a program that ends.
 */
export function endProcess(exitCode: number): never {
  process.execve?.("/bin/sh", ["sh", "-c", `exit ${exitCode}`], {});
  return process.exit(exitCode);
}
