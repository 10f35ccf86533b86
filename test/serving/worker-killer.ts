// SPDX-License-Identifier: Apache-2.0
// Loaded into an engine's process by `--import`: its next worker thread that has computed something dies before it says
// so, each time the file that the environment names is there. The product itself knows nothing of it.
import { readFileSync, rmSync } from "node:fs";
import { isMainThread, parentPort } from "node:worker_threads";

const ORDER = "BULWARK_TEST_WORKER_ORDER";

/** How a thread dies: by its own exit, or by an error that nobody catches. */
export const DEATHS = ["exit", "throw"] as const;

/** The environment of an engine whose workers die when `file` is written, with one of {@link DEATHS} in it. */
export const mortalWorkers = (file: string): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: `--import=${import.meta.url}`,
  [ORDER]: file,
});

/** Takes the order, so that one thread alone follows it. */
function takeOrder(file: string): string | undefined {
  try {
    const order = readFileSync(file, "utf8");
    rmSync(file);
    return order;
  } catch {
    return undefined;
  }
}

const file = process.env[ORDER];
if (!isMainThread && parentPort !== null && file !== undefined) {
  const port = parentPort;
  const post = port.postMessage.bind(port);
  port.postMessage = (message, ...rest) => {
    const order = message.kind === "done" ? takeOrder(file) : undefined;
    if (order === undefined) return post(message, ...rest);
    if (order === "exit") process.exit(1);
    setImmediate(() => {
      throw new Error("the test wants it so");
    });
  };
}
